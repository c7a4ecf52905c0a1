# What the tests with tang servers share; sourced after lib.sh.
# shellcheck shell=bash disable=SC2154  # variables of lib.sh

tang=/usr/libexec/tangd
export no_proxy=127.0.0.1
[ -x "$tang" ] || fail "no tangd (Debian package tang)"

# An inetd for one program, on a port of its own that it writes to a file.
cat >"$tmp/inetd.py" <<'END'
import pathlib, socketserver, subprocess, sys
class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        subprocess.run(sys.argv[3:], stdin=self.request, stdout=self.request, check=False)
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
server = Server(("127.0.0.1", int(sys.argv[2])), Handler)
pathlib.Path(sys.argv[1]).write_text(str(server.server_address[1]))
server.serve_forever()
END

# Keeps a port from everybody who takes any that is free, also while its server is away.
cat >"$tmp/keep_port.py" <<'END'
import pathlib, signal, socket, sys
port = socket.socket()
port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
port.bind(("127.0.0.1", 0))
pathlib.Path(sys.argv[1]).write_text(str(port.getsockname()[1]))
signal.pause()
END

# start_tang NAME [PORT]: a tang server with keys of its own; sets $tang_server and ${port[NAME]}.
declare -A port # of each by its name
start_tang() {
  if [ ! -d "$tmp/$1.keys" ]; then
    mkdir "$tmp/$1.keys"
    # It says that they are not the user _tang's.
    "$(dirname "$tang")/tangd-keygen" "$tmp/$1.keys" 2>"$tmp/$1.keygen.log"
    /usr/bin/python3 "$tmp/keep_port.py" "$tmp/$1.kept" &
    defer stop_quietly $!
    eventually test -s "$tmp/$1.kept"
  fi
  rm -f "$tmp/$1.port"
  /usr/bin/python3 "$tmp/inetd.py" "$tmp/$1.port" "${2:-$(cat "$tmp/$1.kept")}" "$tang" "$tmp/$1.keys" \
    2>"$tmp/$1.tang.log" &
  tang_server=$!
  defer stop_quietly "$tang_server"
  eventually test -s "$tmp/$1.port"
  port[$1]=$(cat "$tmp/$1.port")
}
url() { printf '{"url":"http://127.0.0.1:%s"}' "${port[$1]}"; }

# bind NAME PIN CONFIG: another key slot of NAME's header, by clevis itself.
bind() {
  timeout 60 clevis luks bind -y -d "$tmp/$1.header" -k "$tmp/$1.secret" "$2" "$3" </dev/null
}
