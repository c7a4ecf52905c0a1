#!/bin/bash
# What key add and key change are told about secrets, key derivation and priorities is what the key slot
# has, also as cryptsetup sees it.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"

make_luks2 two 256K
header=$tmp/two.header
printf 'a line\nmore\n' >"$tmp/lines"
printf 'a line' >"$tmp/line"
printf 'e lin' >"$tmp/part"
printf 'xxe linyy' >"$tmp/around"
chmod o= "$tmp/lines" "$tmp/line" "$tmp/around"

add() { exits 0 "$program" key add "$header" --secret "$tmp/two.secret" "$@"; }
keyslot() { # JQ: of the key slot that was made last
  "$program" key list --json "$header" | jq -e ".keyslots[-1] | $1" >/dev/null ||
    fail "not so: $1: $("$program" key list "$header")"
}

note "the first line of a file, and a part of a file"
add --new-passphrase "+$tmp/lines" "${cheap_keyslot[@]}"
opens "$header" "$tmp/line" --key-slot 1
exits 0 "$program" key change "$header" --passphrase "+$tmp/lines" --new-secret "$tmp/around" \
  --new-secret-offset 2 --new-secret-size 5 "${cheap_keyslot[@]}"
opens "$header" "$tmp/part" --key-slot 2

note "two lines of standard input"
printf 'e lin\nnew line\n' | "$program" key change "$header" --passphrase - --new-passphrase - "${cheap_keyslot[@]}"
printf 'new line' >"$tmp/new"
opens "$header" "$tmp/new"

note "the volume key, when all key slots are lost"
volume_key two
cp "$header" "$tmp/lost"
exits 0 "$program" key remove "$tmp/lost" --slot 0
exits 0 "$program" key remove "$tmp/lost" --slot 1 --force
exits 0 "$program" key add "$tmp/lost" --volume-key "$tmp/two.rawkey" --new-secret "$tmp/new" "${cheap_keyslot[@]}"
opens "$tmp/lost" "$tmp/new"

note "key derivation"
new_secret other
add --new-secret "$tmp/other" --slot 31 --pbkdf argon2i --pbkdf-memory 2048 --pbkdf-parallel 2 --pbkdf-force-iterations 5 --hash sha512
keyslot '.id == 31 and .kdf == {type: "argon2i", time: 5, memory_kib: 2048, lanes: 2} and .af.hash == "sha512"'
cryptsetup luksDump "$header" >"$tmp/dump"
matches '^\s*Memory: *2048$' "$tmp/dump"
opens "$header" "$tmp/other" --key-slot 31
exits 0 "$program" key remove "$header" --slot 31
add --new-secret "$tmp/other" --slot 30 --pbkdf pbkdf2 --iter-time 200
keyslot '.id == 30 and .kdf.type == "pbkdf2" and .kdf.iterations > 1000'
exits 0 "$program" key remove "$header" --slot 30
add --new-secret "$tmp/other" --slot 29 --iter-time 100 --pbkdf-memory 4096
keyslot '.id == 29 and .kdf.type == "argon2id" and .kdf.memory_kib <= 4096'

note "priorities: a change keeps the old one's"
cryptsetup config --key-slot 29 --priority prefer "$header"
new_secret preferred
exits 0 "$program" key change "$header" --secret "$tmp/other" --new-secret "$tmp/preferred" --slot 28 "${cheap_keyslot[@]}"
keyslot '.id == 28 and .priority == "prefer"'
exits 0 "$program" key change "$header" --secret "$tmp/preferred" --new-secret "$tmp/other" --slot 27 --priority ignore "${cheap_keyslot[@]}"
keyslot '.id == 27 and .priority == "ignore"'
cryptsetup luksDump "$header" >"$tmp/dump"
matches '^\s*Priority: *ignored$' "$tmp/dump"

note "the token of a key slot that is changed"
cryptsetup token add --token-id 3 --key-description none --key-slot 0 "$header"
exits 0 "$program" key change "$header" --secret "$tmp/two.secret" --new-secret "$tmp/preferred" "${cheap_keyslot[@]}" --json
jq -e '.warnings | length == 2 and (.[0] | test("token 3 .luks2-keyring."))' "$tmp/said" >/dev/null || fail "$(cat "$tmp/said")"
"$program" inspect --json "$header" | jq -e '.tokens == [{id: 3, type: "luks2-keyring", keyslots: []}]' >/dev/null
sound "$header"
