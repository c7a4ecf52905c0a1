#!/bin/bash
# Whoever gets at the metrics' socket can neither hold up the service, nor others who want metrics for
# long, nor use up its descriptors or its memory: clients that say nothing, or a byte now and then, a
# thousand of them, endless headers, noise.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

make_luks2 vm1 1M
port=$(free_port 127.0.0.1)
export_table vm1 vm1 | service_config "metrics = \"tcp:127.0.0.1:$port\""
start_service
settled
noise 1M >"$tmp/plain"
nbdcopy --flush "$tmp/plain" "$(uri_of vm1)"

metric() { /usr/bin/python3 "$here/metrics.py" "tcp:127.0.0.1:$port" "$1"; }
descriptors() { metric process_open_fds; }
resident() { metric process_resident_memory_bytes; }
serves() {
  local start
  start=$(date +%s%3N)
  reads "$tmp/plain" vm1
  metric luksdetached_reloads_total >/dev/null
  [ $(($(date +%s%3N) - start)) -lt 20000 ] || fail "after $1 it took $(($(date +%s%3N) - start)) ms"
}
serves nothing
descriptors_before=$(descriptors)
resident_before=$(resident)

# attack NAME < SCRIPT: Python that has `connect` and `request`, and keeps what is in `clients` open until the
# service has shown that it goes on.
attack() {
  note "$1"
  mkfifo "$tmp/over"
  {
    cat <<END
import os, random, socket, struct, threading, time
clients = []
def connect():
    client = socket.create_connection(("127.0.0.1", $port), timeout=30)
    clients.append(client)
    return client
def send(client, data):
    try:
        client.sendall(data)
    except OSError:
        pass  # it was sent away
request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n"
END
    cat
    printf '%s\n' 'open("'"$tmp/ready"'", "w").close()' 'open("'"$tmp/over"'").read()'
  } >"$tmp/attack.py"
  /usr/bin/python3 "$tmp/attack.py" &
  local attacker=$!
  defer stop_quietly $attacker
  eventually test -e "$tmp/ready"
  serves "$1"
  [ "$(descriptors)" -le $((descriptors_before + 40)) ] || fail "$1: $(descriptors) descriptors"
  echo >"$tmp/over"
  wait $attacker || fail "$1: the attacker failed"
  rm "$tmp/over" "$tmp/ready"
}

attack "a thousand that say nothing" <<'END'
for _ in range(1000):
    connect()
END

attack "slow ones: a byte at a time" <<'END'
for _ in range(20):
    send(connect(), request)
def drip():
    while True:
        for client in clients:
            send(client, b"x")
        time.sleep(0.2)
threading.Thread(target=drip, daemon=True).start()
END

attack "those that never read" <<'END'
for _ in range(200):
    send(connect(), request + b"\r\n")
END

attack "many requests in one connection" <<'END'
for _ in range(20):
    send(connect(), (request + b"\r\n") * 1000)
END

attack "endless headers" <<'END'
for n in range(20):
    client = connect()
    send(client, request)
    for _ in range(1000):
        send(client, b"X-%d: %s\r\n" % (n, b"y" * 1000))
for n in range(20):
    send(connect(), b"GET /" + b"z" * 1_000_000)
END

attack "bodies" <<'END'
for how in b"Content-Length: 99999999999999999999", b"Content-Length: -1", b"Transfer-Encoding: chunked":
    client = connect()
    send(client, request.replace(b"GET", b"POST") + how + b"\r\n\r\n")
    send(client, b"ffffffffffffffff\r\n" + bytes(100_000))
END

attack "noise" <<'END'
for n in range(200):
    client = connect()
    send(client, os.urandom(random.randrange(1, 5000)))
    client.close()
for line in b"GET\r\n\r\n", b"\r\n" * 1000, b"GET /metrics\r\n\r\n", b"GET /metrics HTTP/9.9\r\n\r\n", b"\0" * 100:
    send(connect(), line)
END

attack "those that go away at once" <<'END'
for n in range(500):
    client = connect()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # by RST
    send(client, request + b"\r\n" if n % 2 else request)
    client.close()
END

few() { [ "$(descriptors)" -le $((descriptors_before + 2)) ]; }
eventually few
# Sanitizers keep what was freed.
[ -n "${LUKSDETACHED_PRELOAD:-}" ] || [ "$(resident)" -le $((resident_before + (32 << 20))) ] ||
  fail "$(resident) bytes, before $resident_before"
ends_within_a_second
