#!/bin/bash
# test exits with 0 when the secret unlocks, 3 when it does not, 4 for a header that is refused, 1 for
# what is damaged, unreachable or too costly, 2 for wrong usage; nothing is written, no secret shown.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

make_luks1 one 256K
make_luks2 two 256K
printf 'nobody knows this' >"$tmp/wrong"
secrets+=("$tmp/wrong")

# ends STATUS KIND REGEX ARGUMENT…: as text, and as JSON with the same status.
ends() {
  local status=$1 kind=$2 pattern=$3 before secret bytes
  shift 3
  before=$(fingerprint)
  exits "$status" "$program" test "$@"
  says "^luksdetached: .*$pattern"
  [ "$(wc -l <"$tmp/said")" = 1 ] || fail "not one line: $(cat "$tmp/said")"
  note "$(cat "$tmp/said")"
  for secret in "${secrets[@]}"; do
    bytes=$(tr -d '\0\n' <"$secret")
    if grep -Fq -- "$bytes" "$tmp/said"; then fail "the message shows the secret"; fi
  done
  exits "$status" "$program" test --json "$@"
  grep -v '^luksdetached: ' "$tmp/said" |
    jq -e --arg kind "$kind" '.schema == 1 and .unlocks == false and .error.kind == $kind' >/dev/null ||
    fail "not so: $(cat "$tmp/said")"
  [ "$before" = "$(fingerprint)" ] || fail "a header, payload or secret changed"
}

note "0"
for name in one two; do
  exits 0 "$program" test "$tmp/$name.header" --secret "$tmp/$name.secret"
  says "^$tmp/$name.header: unlocked by key slot 0 in [0-9.]+ seconds\$"
  exits 0 "$program" test --json --secret "$tmp/$name.secret" "$tmp/$name.header"
  jq -e --arg header "$tmp/$name.header" '.schema == 1 and .unlocks and .header == $header
    and .keyslot == 0 and .seconds >= 0 and .seconds < 60 and .warnings == []' "$tmp/said" >/dev/null ||
    fail "not so: $(cat "$tmp/said")"
done

note "3"
for name in one two; do
  ends 3 wrong_secret 'does not match any key slot' "$tmp/$name.header" --secret "$tmp/wrong"
  ends 3 wrong_secret 'none of the secrets' "$tmp/$name.header" --secret "$tmp/wrong" --secret "$tmp/wrong"
done

note "4"
edited() { # STATEMENTS
  cp "$tmp/two.header" "$tmp/edited"
  /usr/bin/python3 "$here/edit_luks2.py" "$tmp/edited" "$1"
  watch "$tmp/edited"
}
edited "json['config']['requirements'] = {'mandatory': ['time-travel']}"
ends 4 unsupported 'time-travel' "$tmp/edited" --secret "$tmp/two.secret"
edited "json['segments']['0']['encryption'] = 'cipher_null-ecb'"
ends 4 policy 'null' "$tmp/edited" --secret "$tmp/two.secret"
ends 4 policy 'verif' nbds://127.0.0.1/header --secret "$tmp/two.secret"

note "1"
ends 1 source_unreachable 'No such file' "$tmp/missing" --secret "$tmp/two.secret"
ends 1 source_unreachable 'No such file' "$tmp/two.header" --secret "$tmp/missing"
ends 1 source_unreachable 'a directory' "$tmp" --secret "$tmp/two.secret"
edited "del json['digests']"
ends 1 header_damaged digests "$tmp/edited" --secret "$tmp/two.secret"
edited "json['keyslots']['0']['kdf']['iterations'] = 4000000000"
ends 1 key_derivation iterations "$tmp/edited" --secret "$tmp/two.secret"

note "2"
header=$tmp/two.header
exits 2 "$program" test
says HEADER
exits 2 "$program" test "$header"
says 'needs --secret .* no terminal'
exits 2 "$program" test "$header" --secret
exits 2 "$program" test "$header" "$header" --secret "$tmp/two.secret"
exits 2 "$program" test "$header" --payload "$tmp/two.payload" --secret "$tmp/two.secret"
says "^luksdetached: not expected: --payload $tmp/two.payload .luksdetached test --help says more.\$"
exits 2 "$program" test "$header" --secret "$tmp/two.secret" --secret-offset some
says '--secret-offset some: expected a size'
exits 2 "$program" test "$header" --secret "$tmp/two.secret" --secret-size 1 --secret-size 2
says 'more than once'
exits 2 "$program" test "$header" --passphrase "+$tmp/two.secret" --secret-size 1
exits 2 "$program" test "$header" --secret "$tmp/two.secret" --keyslot 32
exits 2 "$program" test "$header" --secret "$tmp/two.secret" --keyslot 5
says 'key slot 5 is not in use'
exits 2 "$program" test "$header" --passphrase hunter2
says 'a passphrase itself is refused'
if grep -q hunter2 "$tmp/said"; then fail "the message shows the passphrase"; fi
: >"$tmp/empty"
exits 2 "$program" test "$header" --secret "$tmp/empty"
exits 0 "$program" test --help
says HEADER
