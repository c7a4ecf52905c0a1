#!/bin/bash
# A service takes the sockets that systemd passed to it, all or by name, beside its own; they stay
# systemd's. What it cannot take, or must not serve on, it says.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

make_luks2 vm1 256K
noise 256K >"$tmp/plain"
port=$(free_port 127.0.0.1)
passed=$tmp/passed.sock
second=$tmp/second.sock

listening() {
  service_config < <(export_table vm1 vm1)
  sed -i "s#^listen = .*#listen = [$1]#" "$config"
}

# activated OPTION…: the service as systemd starts it when a client comes.
activated() {
  systemd-socket-activate "$@" "${serve_under_test[@]}" "$config" </dev/null >>"$log" 2>&1 &
  server=$!
  defer stop_quietly "$server"
}
reads_at() {
  nbdcopy "$1" "$tmp/read"
  same "$tmp/plain" "$tmp/read"
}

note "what was passed to another process"
listening '"systemd"'
exits 1 env LISTEN_PID=1 LISTEN_FDS=1 "${serve_under_test[@]}" "$config" 3</dev/null
says 'systemd passed no sockets to the service'

note "all of systemd's, and an own one"
listening "\"systemd\", \"unix:$socket\""
activated -l "$passed" -l "127.0.0.1:$port"
eventually test -S "$passed"
eventually nbdinfo --size "nbd+unix:///vm1?socket=$passed"
settled
nbdcopy --flush "$tmp/plain" "$(uri_of vm1)"
reads_at "nbd+unix:///vm1?socket=$passed"
reads_at "nbd://127.0.0.1:$port/vm1"
ends_within_a_second
[ ! -e "$socket" ] || fail "the service's own socket is still there"
[ -S "$passed" ] || fail "removed the socket of systemd"
rm "$passed"

note "by name"
listening "\"systemd:b\", \"systemd:a\""
activated -l "$passed" -l "$second" --fdname a:b
eventually test -S "$second"
eventually nbdinfo --size "nbd+unix:///vm1?socket=$second"
settled
reads_at "nbd+unix:///vm1?socket=$passed"
reads_at "nbd+unix:///vm1?socket=$second"
ends_within_a_second
rm "$passed" "$second"

# says_when_activated REGEX OPTION…: the service ends with that sentence and status $wanted.
says_when_activated() {
  local pattern=$1 status=0
  shift
  : >"$log"
  rm -f "$passed"
  activated -l "$passed" "$@"
  eventually test -S "$passed"
  /usr/bin/python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])' "$passed"
  wait "$server" || status=$?
  [ "$status" = "$wanted" ] || fail "status $status instead of $wanted: $(cat "$log")"
  matches "$pattern" "$log"
}
wanted=1
note "none of that name"
listening '"systemd:b"'
says_when_activated "luksdetached: systemd passed no socket named 'b' to the service" --fdname a
note "one that the config does not name"
says_when_activated "the socket 'a' of systemd was passed to the service, but listen" \
  -l "$second" --fdname a:b
rm -f "$second"
note "not by systemd at all"
listening '"systemd"'
exits 1 "${serve_under_test[@]}" "$config"
says 'systemd passed no sockets to the service'
note "datagrams"
/usr/bin/python3 - "$program" "$config" >"$tmp/said" 2>&1 <<'END' || status=$?
import os, socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[1], [sys.argv[1], "serve", sys.argv[2]])
END
[ "${status:-0}" = 1 ] || fail "status ${status:-0}"
says "the socket '' of systemd is not a stream socket that listens"

note "beyond loopback without TLS"
wanted=4
says_when_activated 'is reached from beyond this machine; that needs tls = "require"' -l 0.0.0.0:"$port"
