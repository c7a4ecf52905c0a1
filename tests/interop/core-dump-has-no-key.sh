#!/bin/bash
# A core dump of the server has nothing of keys and secrets, neither memory nor registers: before there
# are clients, and while clients rest that were busy. (In the middle of a request registers have
# round keys; that memory which is dumped has none then either is the matter of another test.)
. "$(dirname -- "$0")/lib.sh"
. "$here/hygiene.sh"

dump_cores

new_secret v
make_luks2 v 4M --pbkdf argon2id "${cheap_argon2[@]}"
material v

# dump PROCESS: ends it, and has its memory in $core.
dump() {
  local status=0
  rm -f "$tmp"/cores/*
  kill -ABRT "$1"
  wait "$1" 2>/dev/null || status=$?
  [ "$status" = 134 ] || fail "status $status after SIGABRT"
  core=$(echo "$tmp"/cores/*)
  [ -s "$core" ] || fail "no core dump"
}

note "what is not locked is dumped, and found"
jq -r '.kept["volume key, first half"]' "$tmp/v.material" | tr a-f A-F | basenc -d --base16 -i >"$tmp/bytes"
for place in heap locked-but-dumped locked; do
  "$build/tests/tools/planted_key" "$place" <"$tmp/bytes" >"$tmp/planted" &
  planted=$!
  defer stop_quietly "$planted"
  eventually grep -q planted "$tmp/planted"
  dump "$planted"
  case $place in
    locked) clean "dump of $place" "$tmp/v.material" --files "$core" ;;
    *) if search "$tmp/v.material" --files "$core"; then fail "overlooks a key in a core dump"; fi ;;
  esac
done

parameters v
for clients in none resting; do
  serve "${parameters[@]}"
  if [ "$clients" = resting ]; then
    busy_client "$uri"
    rest
  fi
  dump "$server"
  unset "running[$server]"
  clean "dump of the server, clients: $clients" "$tmp/v.material" --files "$core"
done
