#!/bin/bash
# What inspect says of a header is what cryptsetup says of it: LUKS1, LUKS2 with key slots of every
# kind, tokens, labels; from a file and from an NBD server. Nothing is written.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

# The facts of a LUKS2 header, from cryptsetup's JSON and its text, as inspect --json has them.
facts_of_luks2() { # HEADER
  cryptsetup luksDump "$1" >"$tmp/dump"
  cryptsetup luksDump --dump-json-metadata "$1" |
    jq --arg uuid "$(word_of UUID)" --arg title "$(word_of Label)" \
      --arg subsystem "$(word_of Subsystem)" --argjson epoch "$(word_of Epoch)" '
    def numbers: map(tonumber);
    def text: if . == "(no label)" or . == "(no subsystem)" then null else . end;
    (.config.json_size | tonumber + 4096) as $metadata
    | [.digests[] | select(.segments == ["0"])][0] as $digest
    | {
        version: 2, uuid: $uuid, label: ($title | text), subsystem: ($subsystem | text),
        flags: (.config.flags // []),
        header_size: ($metadata * 2 + (.config.keyslots_size | tonumber)),
        metadata_size: $metadata,
        keyslots_size: (.config.keyslots_size | tonumber),
        copies: [
          {offset: 0, good: true, used: true, sequence: $epoch, problem: null},
          {offset: $metadata, good: true, used: false, sequence: $epoch, problem: null}],
        segment: {
          encryption: .segments["0"].encryption,
          key_size: .keyslots[$digest.keyslots[0]].key_size,
          sector_size: .segments["0"].sector_size,
          offset: (.segments["0"].offset | tonumber),
          size: (.segments["0"].size | if . == "dynamic" then null else tonumber end)},
        digest: ($digest | {type, hash, iterations}),
        keyslots: [.keyslots | to_entries | sort_by(.key | tonumber)[] | .key as $id | .value | {
          id: ($id | tonumber),
          state: (if $digest.keyslots | index($id) then "bound" else "unbound" end),
          priority: ["ignore", "normal", "prefer"][.priority // 1],
          problem: null, key_size,
          kdf: (.kdf | if .type == "pbkdf2" then {type, hash, iterations}
            else {type, time, memory_kib: .memory, lanes: .cpus} end),
          af: (.af | {hash, stripes}),
          area: {encryption: .area.encryption, key_size: .area.key_size,
            offset: (.area.offset | tonumber),
            size: ((.key_size * .af.stripes + 511) / 512 | floor * 512)}}],
        tokens: [.tokens | to_entries | sort_by(.key | tonumber)[]
          | {id: (.key | tonumber), type: .value.type, keyslots: (.value.keyslots | numbers)}]
      }'
}

# word_of FIELD: what the dump says of it.
word_of() { sed -n "s/^$1:[[:space:]]*//p" "$tmp/dump"; }

# The same for LUKS1, from the text alone.
facts_of_luks1() { # HEADER
  cryptsetup luksDump "$1" >"$tmp/dump"
  awk '/^Key Slot [0-9]: ENABLED/ { id = $3 + 0 }
    /^\t.*Iterations:/ { iterations = $2 }
    /Key material offset:/ { offset = $4 }
    /AF stripes:/ { print id, iterations, offset, $3 }' "$tmp/dump" |
    jq -R -s --arg uuid "$(word_of UUID)" --arg hash "$(word_of 'Hash spec')" \
      --arg cipher "$(word_of 'Cipher name')-$(word_of 'Cipher mode')" \
      --argjson key "$(($(word_of 'MK bits') / 8))" \
      --argjson iterations "$(word_of 'MK iterations')" \
      --argjson offset "$(word_of 'Payload offset')" '{
        version: 1, uuid: $uuid, label: null, subsystem: null, flags: [],
        metadata_size: null, keyslots_size: null, copies: [],
        segment: {encryption: $cipher, key_size: $key, sector_size: 512, offset: ($offset * 512),
          size: null},
        digest: {type: "pbkdf2", hash: $hash, iterations: $iterations},
        keyslots: [split("\n")[] | select(. != "") | split(" ") | map(tonumber) | {
          id: .[0], state: "bound", priority: "normal", problem: null, key_size: $key,
          kdf: {type: "pbkdf2", hash: $hash, iterations: .[1]},
          af: {hash: $hash, stripes: .[3]},
          area: {encryption: $cipher, key_size: $key, offset: (.[2] * 512),
            size: (($key * .[3] + 511) / 512 | floor * 512)}}],
        tokens: []
      }'
}

agrees() { # VERSION HEADER [URI]
  local before
  before=$(sha256sum <"$2")
  "facts_of_luks$1" "$2" | jq --sort-keys . >"$tmp/expected"
  "$program" inspect --json "${3:-$2}" >"$tmp/report" || fail "status $?: $(cat "$tmp/report")"
  jq -e '.schema == 1 and .valid and .servable and .refusals == [] and .warnings == []' \
    "$tmp/report" >/dev/null || fail "not good: $(cat "$tmp/report")"
  jq --sort-keys --slurpfile expected "$tmp/expected" \
    'with_entries(select(.key as $key | $expected[0] | has($key)))' "$tmp/report" >"$tmp/said"
  diff "$tmp/expected" "$tmp/said" || fail "cryptsetup says otherwise of $2"
  [ "$before" = "$(sha256sum <"$2")" ] || fail "inspect wrote to $2"
}

# shows REGEX…: the text report has a line for each.
shows() {
  local pattern
  for pattern; do matches "$pattern" "$tmp/text"; done
}

printf 'another secret' >"$tmp/other"

note "LUKS2, as simple as can be"
make_luks2 plain 256K
agrees 2 "$tmp/plain.header"

note "LUKS2 with everything"
make_luks2 full 256K --sector-size 4096 --label 'my disk' --subsystem vm --cipher aes-cbc-essiv:sha256 \
  --key-size 256 --hash sha512
for kdf in argon2i argon2id; do
  cryptsetup luksAddKey --batch-mode --key-file "$tmp/full.secret" --pbkdf $kdf "${cheap_argon2[@]}" \
    "$tmp/full.header" "$tmp/other"
done
cryptsetup luksAddKey --batch-mode --key-file "$tmp/full.secret" --key-slot 7 "${cheap_pbkdf2[@]}" \
  --hash sha1 --keyslot-cipher aes-xts-plain64 --keyslot-key-size 512 "$tmp/full.header" "$tmp/other"
cryptsetup luksAddKey --batch-mode --unbound --key-size 128 --key-slot 9 "${cheap_pbkdf2[@]}" \
  --key-file "$tmp/other" "$tmp/full.header" "$tmp/other"
cryptsetup config --batch-mode --key-slot 1 --priority prefer "$tmp/full.header"
cryptsetup config --batch-mode --key-slot 2 --priority ignore "$tmp/full.header"
cryptsetup token add --key-description vm --key-slot 1 "$tmp/full.header"
printf '{"type":"mine","keyslots":["0","7"],"more":1}' |
  cryptsetup token import --token-id 30 "$tmp/full.header"
/usr/bin/python3 "$here/edit_luks2.py" "$tmp/full.header" \
  "json['config']['flags'] = ['allow-discards']; json['segments']['0']['size'] = '262144'"
agrees 2 "$tmp/full.header"
"$program" inspect "$tmp/full.header" >"$tmp/text"
cat "$tmp/text"
shows ': a LUKS2 header that can be served$' "^  UUID +$(word_of UUID)\$" '^  label +my disk$' \
  '^  subsystem +vm$' '^  flags +allow-discards$' '^  segment .*aes-cbc-essiv:sha256.* 256 KiB from byte 0$' \
  '^  1 +bound +prefer .*argon2i, 4 passes over 1 MiB' '^  9 +unbound +normal +128 bits' \
  '^  30 +mine +for key slots 0, 7$' '^  key slot 9: unbound' '^  key slots 1, 2: Argon2 costs less'

note "LUKS2 with large metadata, and an offset"
make_volume large 256K --type luks2 --luks2-metadata-size 4m --luks2-keyslots-size 16m \
  "${cheap_pbkdf2[@]}" --offset 65536
agrees 2 "$tmp/large.header"

note "LUKS1"
make_luks1 one 256K --cipher aes-xts-plain --key-size 256 --hash sha512
cryptsetup luksAddKey --batch-mode --key-file "$tmp/one.secret" --key-slot 6 \
  --pbkdf-force-iterations 1234 "$tmp/one.header" "$tmp/other"
agrees 1 "$tmp/one.header"
"$program" inspect "$tmp/one.header" >"$tmp/text"
shows ': a LUKS1 header that can be served$' '^  segment .*aes-xts-plain, key of 256 bits' \
  '^  6 +bound .*pbkdf2 sha512, 1234 iterations' "^  the IV 'plain' repeats" '^  LUKS1 has one copy'

note "on an NBD server"
serve_plain -r file "$tmp/full.header"
agrees 2 "$tmp/full.header" "$uri"
