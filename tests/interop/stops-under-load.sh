#!/bin/bash
# SIGTERM while clients are busy, which then vanish in the middle of their requests, ends the server
# cleanly and soon, whatever the payload is. (nbdkit itself waits for connected clients to go.)
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 8M --sector-size 512
serve_plain --filter=delay file "$tmp/v.payload" wdelay=3ms rdelay=3ms
for payload in "$tmp/v.payload" "$uri"; do
  note "$payload"
  serve "header=$tmp/v.header" "payload=$payload" "secret=$tmp/v.secret"
  clients=()
  for _ in 1 2 3; do
    /usr/bin/python3 - "$uri" >>"$tmp/clients" 2>/dev/null <<'END' &
import random, sys, nbd
h = nbd.NBD()
h.connect_uri(sys.argv[1])
print("busy", flush=True)
while True:
    cookies = [h.aio_pwrite(nbd.Buffer.from_bytearray(bytearray(random.randint(1, 70000))),
                            random.randint(0, 8000000)) for _ in range(8)]
    while not all(h.aio_command_completed(cookie) for cookie in cookies):
        h.poll(-1)
END
    clients+=($!)
    defer stop_quietly $!
    disown # bash need not tell how it ends
  done
  busy() { [ "$(grep -c busy "$tmp/clients")" = 3 ]; }
  eventually busy
  sleep 0.5
  SECONDS=0
  kill -TERM "$server"
  kill -KILL "${clients[@]}"
  result=0
  wait "$server" || result=$?
  [ "$result" = 0 ] || fail "ended with status $result"
  unset "running[$server]"
  [ "$SECONDS" -le 5 ] || fail "took $SECONDS seconds"
  : >"$tmp/clients"
done
