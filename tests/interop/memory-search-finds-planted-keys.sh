#!/bin/bash
# The search for keys in memory, in which the other tests trust: what is planted in a process it finds,
# wherever that is, whatever piece of whatever key it is.
. "$(dirname -- "$0")/lib.sh"
. "$here/hygiene.sh"

new_secret v
make_luks2 v 256K --pbkdf argon2id "${cheap_argon2[@]}"
material v

# piece NAME [BYTES]: of the material, that many bytes from its beginning.
piece() {
  jq -r --arg name "$1" --argjson bytes "${2:-4096}" \
    '(.kept + .gone)[$name][: $bytes * 2]' "$tmp/v.material" | tr a-f A-F | basenc -d --base16 -i
}

# plant PLACE [ARG…]: a process that has the bytes of $tmp/bytes there. Sets $planted.
plant() {
  "$build/tests/tools/planted_key" "$@" >"$tmp/plant.out" <"$tmp/bytes" &
  planted=$!
  defer stop_quietly "$planted"
  eventually grep -q planted "$tmp/plant.out"
}

# found TEXT: in the process with the planted bytes, whose end this is.
found() {
  local status=0
  search "$tmp/v.material" --processes "$planted" >"$tmp/found" || status=$?
  stop_quietly "$planted" || true
  [ "$status" = 1 ] || fail "status $status, for what was planted: $1"
  grep '^MISPLACED' "$tmp/found" | grep -Fq -- "$1" || fail "not as '$1': $(cat "$tmp/found")"
}

note "nothing is found where nothing is"
printf 'this is no key, and neither is this' >"$tmp/bytes"
plant heap
clean "no key" "$tmp/v.material" --processes "$planted"
if search "$tmp/v.material" --processes "$planted" --serving 2>"$tmp/said"; then
  fail "takes any process for the server of the volume"
fi
stop_quietly "$planted" || true

note "in every place"
piece 'volume key, second half' >"$tmp/bytes"
while IFS='|' read -r place mapping; do
  plant "$place"
  found "(planted_key): $mapping: volume key, second half"
done <<END
heap|[heap]
data|$build/tests/tools/planted_key
stack|[stack]
stack-of-a-thread|anonymous memory
shared-memory|/dev/zero (deleted)
mapped-file|/memfd:planted (deleted)
no-access|anonymous memory
child|[heap]
locked-but-dumped|anonymous memory
END
plant heap "$(base64 -w 0 "$tmp/v.rawkey")"
found 'cmdline of'
SECRET=$(cat "$tmp/v.secret") plant heap
found 'environ of'

note "locked memory is for what is needed, not for a secret"
plant locked
clean "what is needed" "$tmp/v.material" --processes "$planted" --serving
stop_quietly "$planted" || true
piece secret >"$tmp/bytes"
plant locked
found ': anonymous memory: secret'

note "sixteen bytes of each"
jq -r '(.kept + .gone) | keys[]' "$tmp/v.material" >"$tmp/names"
while read -r name; do
  piece "$name" 16 >"$tmp/bytes"
  status=0
  search "$tmp/v.material" --files "$tmp/bytes" >"$tmp/found" || status=$?
  [ "$status" = 1 ] || fail "overlooks: $name"
done < <(shuf -n 12 "$tmp/names")
