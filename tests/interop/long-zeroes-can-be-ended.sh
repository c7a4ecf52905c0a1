#!/bin/bash
# A client can ask for 4 GiB of zeroes with one request. On a slow payload that takes long, and must
# keep neither SIGTERM waiting nor go on when the client has gone.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 1M --sector-size 4096
truncate -s 5G "$tmp/v.payload"
serve_plain --filter=delay file "$tmp/v.payload" wdelay=50ms
payload=$uri
written() { stat -c %b "$tmp/v.payload"; }
client() { # zeroes; says so in $tmp/zeroing
  rm -f "$tmp/zeroing"
  /usr/bin/python3 - "$uri" >"$tmp/zeroing" 2>"$tmp/told" <<'END' &
import sys, nbd
h = nbd.NBD()
h.connect_uri(sys.argv[1])
cookie = h.aio_zero((4 << 30) - 4096, 0)
while h.aio_peek_command_completed() == 0 and h.poll(200) >= 0:
    print("zeroing", flush=True)
h.aio_command_completed(cookie)
END
  client=$!
  defer stop_quietly "$client"
}

for threads in 1 4; do
  note "$threads threads: SIGTERM"
  serve --threads=$threads "header=$tmp/v.header" "payload=$payload" "secret=$tmp/v.secret"
  client
  eventually test -s "$tmp/zeroing"
  SECONDS=0
  stop "$server"
  [ "$SECONDS" -le 5 ] || fail "took $SECONDS seconds"
  wait "$client" && fail "the client was told that it is done"
done

note "the client goes"
serve "header=$tmp/v.header" "payload=$payload" "secret=$tmp/v.secret"
client
eventually test -s "$tmp/zeroing"
kill -KILL "$client"
wait "$client" || true
sleep 1
before=$(written)
sleep 1
[ "$(written)" = "$before" ] || fail "goes on without its client"
nbd_shell -u "$uri" -c 'h.pwrite(b"x" * 512, 0); assert h.pread(512, 0) == b"x" * 512'
stop "$server"
