#!/bin/bash
# A damaged or older copy of a LUKS2 header is said; the header can be served from the other one, and
# is not written.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

make_luks2 v 256K
overwrite() { noise 64 | dd of="$tmp/bad" bs=1 seek="$1" conv=notrunc status=none; }

# shows FILTER…: the report of the damaged header makes each true.
shows() {
  local filter before
  before=$(sha256sum <"$tmp/bad")
  "$program" inspect --json "$tmp/bad" >"$tmp/report" || fail "status $?: $(cat "$tmp/report")"
  for filter; do
    jq -e "$filter" "$tmp/report" >/dev/null || fail "not '$filter': $(cat "$tmp/report")"
  done
  [ "$before" = "$(sha256sum <"$tmp/bad")" ] || fail "the header was written"
}

for copy in 0 1; do
  note "copy $copy damaged"
  cp "$tmp/v.header" "$tmp/bad"
  overwrite $((copy * 16384 + 5000))
  shows .servable '.warnings | length == 1' ".copies[$copy] | .good == false and .used == false" \
    ".copies[$copy].problem | test(\"checksum\")" \
    ".copies[$((1 - copy))] | .good and .used and .problem == null and .sequence > 0"
  exits 0 "$program" inspect "$tmp/bad"
  says '^  (primary|secondary) .*: bad: .*checksum'
  says '^Wrong$'
done

note "the secondary copy is older"
cp "$tmp/v.header" "$tmp/bad"
printf 'another secret' >"$tmp/other"
cryptsetup luksAddKey --batch-mode --key-file "$tmp/v.secret" "${cheap_pbkdf2[@]}" "$tmp/bad" "$tmp/other"
dd if="$tmp/v.header" of="$tmp/bad" bs=16384 skip=1 seek=1 count=1 conv=notrunc status=none
shows .servable '.warnings[0] | test("older")' '.copies[0].used' \
  '.copies[0].sequence > .copies[1].sequence' '.keyslots | length == 2'

note "the newer copy is damaged: a removed key slot may be back"
overwrite 5000
shows .servable '.copies[1].used' '.keyslots | length == 1'

note "both damaged"
cp "$tmp/v.header" "$tmp/bad"
overwrite 5000
overwrite $((16384 + 5000))
exits 1 "$program" inspect "$tmp/bad"
says '^luksdetached: .*both copies'
