#!/bin/bash
# SIGTERM does not wait for clients that are attached and do nothing, on a unix socket, over TCP and
# with TLS. Requests that were begun are finished and answered, and what was answered is on the storage.
# Clients that don't take their answers are waited for five seconds.
. "$(dirname -- "$0")/lib.sh"

limit=1000
[ -z "${LUKSDETACHED_PRELOAD:-}" ] || limit=10000

# attach URI: a client that does nothing.
attach() {
  : >"$tmp/attached"
  /usr/bin/python3 -c 'import sys, time, nbd
h = nbd.NBD()
h.set_uri_allow_local_file(True)
h.connect_uri(sys.argv[1])
print("attached", flush=True)
time.sleep(600)' "$1" >"$tmp/attached" &
  client=$!
  defer stop_quietly "$client"
  attached() { [ -s "$tmp/attached" ]; }
  eventually attached
}

# ends_within MILLISECONDS
ends_within() {
  local start
  start=$(date +%s%3N)
  stop "$server"
  local took=$(($(date +%s%3N) - start))
  note "$took ms"
  [ "$took" -lt "$1" ] || fail "it took $took ms to end"
}

make_luks2 v 4M --sector-size 512
parameters v

note "a unix socket"
serve "${parameters[@]}"
attach "$uri"
ends_within "$limit"
kill -0 "$client" || fail "the client is gone"

note "TCP"
serve_tcp 127.0.0.1 "${parameters[@]}"
attach "$uri"
ends_within "$limit"

note "TLS"
psktool -u alice -p "$tmp/keys.psk" >/dev/null
serve_tcp 127.0.0.1 --tls=require --tls-psk="$tmp/keys.psk" "${parameters[@]}"
attach "nbds://alice@127.0.0.1:$port/?tls-psk-file=$tmp/keys.psk"
ends_within "$limit"

note "a write that has arrived"
serve_plain --filter=delay file "$tmp/v.payload" wdelay=1
serve "header=$tmp/v.header" "payload=$uri" "secret=$tmp/v.secret"
noise 64K >"$tmp/plain"
/usr/bin/python3 - "$uri" "$tmp/plain" >"$tmp/answer" 2>&1 <<'END' &
import sys, nbd
h = nbd.NBD()
h.connect_uri(sys.argv[1])
cookie = h.aio_pwrite(nbd.Buffer.from_bytearray(bytearray(open(sys.argv[2], "rb").read())), 4096)
print("sent", flush=True)
while not h.aio_command_completed(cookie):
    h.poll(-1)
print("written", flush=True)
END
client=$!
sent() { grep -q sent "$tmp/answer"; }
eventually sent
sleep 0.3
ends_within 30000
wait "$client" || fail "the write was not answered: $(cat "$tmp/answer")"
decrypted v 512 >"$tmp/decrypted"
cmp -n 64K -i 4096:0 "$tmp/decrypted" "$tmp/plain" || fail "what was answered is not on the storage"

note "a client that asks and never reads"
serve "${parameters[@]}"
/usr/bin/python3 - "$uri" >"$tmp/attached" <<'END' &
import sys, time, nbd
h = nbd.NBD()
h.connect_uri(sys.argv[1])
buffer = nbd.Buffer(4 << 20)
h.aio_pread(buffer, 0) # more than one would meet a bug of nbdkit 1.32, whatever the plugin
print("attached", flush=True)
time.sleep(600)
END
defer stop_quietly $!
eventually attached
sleep 0.3
ends_within 30000
