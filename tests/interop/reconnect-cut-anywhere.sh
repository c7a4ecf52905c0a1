#!/bin/bash
# Connections to a payload's server that are cut at any byte, in either direction, while the server goes
# on with what it has: clients see no error, and nothing that was acknowledged is lost. Also with a
# server that is slow, so that it still writes what came over a connection that is gone.
. "$(dirname -- "$0")/lib.sh"
. "$here/faults.sh"
. "$here/reconnect.sh"

for delay in 0 20; do
  note "writes take $delay ms longer"
  make_luks2 v 2M --sector-size 512
  serve_plain --filter=delay file "$tmp/v.payload" wdelay=${delay}ms
  proxy=$tmp/proxy$delay.sock
  : >"$tmp/rules"
  /usr/bin/python3 -B "$here/cutting_proxy.py" "$proxy" "$socket" "$tmp/rules" >"$tmp/cuts" &
  defer stop_quietly $!
  eventually test -S "$proxy"
  payload=$server
  serve "header=$tmp/v.header" "payload=nbd+unix:///?socket=$proxy" "secret=$tmp/v.secret" reconnect-timeout=60
  # The first connections are whole; those that come after the first kill are cut.
  echo 1 300000 >"$tmp/rules"
  rm -f "$tmp/model"
  "$build/tests/tools/nbd_model" "$uri" 512 8 "$(rounds 150 60)" "$tmp/model" || fail "$(cat "$log")"
  stop "$server"
  note "$(grep -c cut "$tmp/cuts") cuts"
  decrypted v 512 >"$tmp/decrypted"
  same "$tmp/model" "$tmp/decrypted"
  stop "$payload"
done
