#!/bin/bash
# reconnect-under-load.sh KIND: a payload's server that is killed again and again, and comes back,
# costs clients time but no error, and nothing that was acknowledged: each byte read is what a model
# says, and so is what libgcrypt makes of the payload at the end. KIND as in reconnect.sh.
#
# From a volatile one nobody may expect that of every write, but of those that are durable (FUA), so
# there all are; every second time it ends in an orderly way.
. "$(dirname -- "$0")/lib.sh"
. "$here/faults.sh"
. "$here/reconnect.sh"

kills=$(rounds 12 6)
# Of each of 8 connections, again and again.
requests=$(rounds 1500 200)

# load: until there is $tmp/enough.
load() {
  while [ ! -e "$tmp/enough" ]; do
    rm -f "$tmp/model"
    "$build/tests/tools/nbd_model" "$uri" 4096 8 "$requests" "$tmp/model" || return 1
  done
}

# ends: told to by SIGTERM. It waits for us while nobody asks for anything: when the load is over.
ends() {
  kill -TERM "$payload_server"
  while kill -0 "$payload_server" 2>/dev/null; do
    kill -0 "$client" 2>/dev/null || vanishes || true
    sleep 0.01
  done
}

cases=(false true) ways=(vanishes vanishes) options=()
if [ "$1" = volatile ]; then
  cases=(false) # what was discarded may come back
  ways=(vanishes ends)
  options=(--filter=fua fuamode=force)
fi
for discard in "${cases[@]}"; do
  note "discard=$discard"
  make_luks2 v 4M --sector-size 4096
  payload_server "$1"
  comes
  serve "header=$tmp/v.header" "payload=$payload_uri" "secret=$tmp/v.secret" discard=$discard \
    reconnect-timeout=30 ${options[@]+"${options[@]}"}
  rm -f "$tmp/enough"
  load &
  client=$!
  defer stop_quietly "$client"
  killed=0
  while kill -0 "$client" 2>/dev/null && [ "$killed" -lt "$kills" ]; do
    sleep "0.$((RANDOM % 9 + 1))"
    "${ways[killed % 2]}"
    sleep "0.$((RANDOM % 5))"
    comes
    killed=$((killed + 1))
  done
  touch "$tmp/enough"
  wait "$client" || fail "after $killed kills: $(cat "$log")"
  note "$killed kills"
  stop "$server"
  vanishes
  if [ $discard = false ]; then
    decrypted v 4096 >"$tmp/decrypted"
    same "$tmp/model" "$tmp/decrypted"
  fi
done
