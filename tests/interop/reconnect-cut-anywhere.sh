#!/bin/bash
# Connections to a payload's server that are cut at any byte, in either direction, while the server goes
# on with what it has: clients see no error, and nothing that was acknowledged is lost. Also with a
# server that is slow, so that it still writes what came over a connection that is gone.
. "$(dirname -- "$0")/lib.sh"
. "$here/faults.sh"

for delay in 0 30; do
  note "writes take $delay ms longer"
  make_luks2 v 2M --sector-size 512
  # With more threads nbdkit before 1.34 may abort when a client goes that has answers to come.
  serve_plain --threads=1 --filter=delay file "$tmp/v.payload" wdelay=${delay}ms
  payload=$server
  proxy=$tmp/proxy$delay.sock
  # The first connections last until the volume is open; the longest requests have to get through.
  /usr/bin/python3 -B "$here/cutting_proxy.py" "$proxy" "$socket" 400000 2500000 >"$tmp/cuts" &
  defer stop_quietly $!
  eventually test -S "$proxy"
  serve "header=$tmp/v.header" "payload=nbd+unix:///?socket=$proxy" "secret=$tmp/v.secret" reconnect-timeout=60
  # Chance may let a connection last for long.
  cuts=0
  for _ in $(seq 10); do
    rm -f "$tmp/model"
    "$build/tests/tools/nbd_model" "$uri" 512 8 "$(rounds 60 30)" "$tmp/model" || fail "$(cat "$log")"
    cuts=$(grep -c cut "$tmp/cuts") || true
    [ "$cuts" -lt 5 ] || break
  done
  stop "$server"
  note "$cuts cuts"
  [ "$cuts" -ge 5 ] || fail "only $cuts cuts"
  decrypted v 512 >"$tmp/decrypted"
  same "$tmp/model" "$tmp/decrypted"
  stop "$payload"
done
