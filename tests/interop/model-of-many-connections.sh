#!/bin/bash
# Several connections at once read, write, zero, trim and flush at random, aligned and not: each byte
# read is what a model in memory says, and so is what libgcrypt makes of the payload at the end.
. "$(dirname -- "$0")/lib.sh"

# Of each of 8 connections.
requests=3000
[ -z "${LUKSDETACHED_PRELOAD:-}" ] || requests=500

for sector in 512 4096; do
  make_luks2 v$sector 4M --sector-size $sector
  parameters v$sector
  for kind in file nbd; do
    for discard in false true; do
      note "sectors of $sector, payload: $kind, discard=$discard"
      payload=$tmp/v$sector.payload
      if [ $kind = nbd ]; then
        serve_plain file "$payload"
        payload=$uri
      fi
      serve "header=$tmp/v$sector.header" "payload=$payload" "secret=$tmp/v$sector.secret" discard=$discard
      rm -f "$tmp/model"
      "$build/tests/tools/nbd_model" "$uri" $sector 8 $requests "$tmp/model"
      stop "$server"
      if [ $discard = false ]; then
        decrypted v$sector $sector >"$tmp/decrypted"
        same "$tmp/model" "$tmp/decrypted"
      fi
    done
  done
done
