#!/bin/bash
# A FIFO that nobody writes to, or that somebody has opened and does not write to, is waited for two
# minutes. Then the error says so.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 256K
mkfifo "$tmp/nobody" "$tmp/somebody"
sleep 300 >"$tmp/somebody" &
defer stop_quietly $!

# ends_in_two_minutes FIFO
ends_in_two_minutes() {
  local begin=$SECONDS status=0 took
  timeout 200 "${nbdkit_under_test[@]}" -f -U "$tmp/$1.sock" "$plugin" "header=$tmp/v.header" \
    "payload=$tmp/v.payload" readonly=true "secret=$tmp/$1" >"$tmp/$1.said" 2>&1 </dev/null || status=$?
  took=$((SECONDS - begin))
  note "$1: after $took s: $(cat "$tmp/$1.said")"
  [ "$status" = 1 ] || fail "status $status"
  matches "cannot read secret file $tmp/$1: nobody has written to it for 120 seconds" "$tmp/$1.said"
  [ "$took" -ge 118 ] && [ "$took" -le 150 ] || fail "it took $took s"
}
ends_in_two_minutes nobody &
nobody=$!
ends_in_two_minutes somebody
wait "$nobody" || fail "the other one"
