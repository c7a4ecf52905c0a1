#!/bin/bash
# key add, change and remove refuse what they should, with the status and kind of contract, and write
# nothing then.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"

make_luks1 one 256K
make_luks2 two 256K
new_secret wrong
new_secret new
header=$tmp/two.header secret=$tmp/two.secret
cheap=("${cheap_keyslot[@]}")

# ends STATUS KIND REGEX ARGUMENT…: as text and as JSON.
ends() {
  local status=$1 kind=$2 pattern=$3 before file bytes
  shift 3
  before=$(fingerprint)
  exits "$status" "$program" key "$@"
  says "^luksdetached: .*$pattern"
  note "$(cat "$tmp/said")"
  for file in "${secrets[@]}"; do
    bytes=$(tr -d '\0\n' <"$file")
    if grep -Fq -- "$bytes" "$tmp/said"; then fail "the message shows the secret"; fi
  done
  exits "$status" "$program" key "$@" --json
  grep -v '^luksdetached: ' "$tmp/said" |
    jq -e --arg kind "$kind" '.schema == 1 and .done == false and .error.kind == $kind' >/dev/null ||
    fail "not so: $(cat "$tmp/said")"
  [ "$before" = "$(fingerprint)" ] || fail "something was written"
}

note "3: the old secret"
for command in add change; do
  ends 3 wrong_secret 'does not match any key slot' $command "$header" --secret "$tmp/wrong" --new-secret "$tmp/new"
done
ends 3 wrong_secret 'does not match any key slot' remove "$header" --secret "$tmp/wrong"
ends 3 wrong_secret 'does not match key slot 0' remove "$header" --slot 0 --secret "$tmp/wrong"

note "4: the last key slot, other ciphers of LUKS1"
for name in one two; do
  ends 4 policy "header $tmp/$name.header: .* last one .*--force" remove "$tmp/$name.header" --slot 0
  ends 4 policy 'last one .*--force' remove "$tmp/$name.header" --secret "$tmp/$name.secret"
done
make_luks1 plain 256K --cipher aes-cbc-plain64
printf 'benbi\0\0' | dd of="$tmp/plain.header" bs=1 seek=44 conv=notrunc status=none # where "plain64" was
ends 4 unsupported 'aes-cbc-benbi' add "$tmp/plain.header" --volume-key "$secret" --new-secret "$tmp/new"

note "2: key slots"
ends 2 usage "header $header: key slot 0 is in use" add "$header" --secret "$secret" --new-secret "$tmp/new" --slot 0
ends 2 usage 'one.header: .*0 to 7' add "$tmp/one.header" --secret "$tmp/one.secret" --new-secret "$tmp/new" --slot 8
ends 2 usage "header $header: key slot 5 is not in use" remove "$header" --slot 5
ends 2 usage "header $tmp/one.header: .*no priorities" add "$tmp/one.header" --secret "$tmp/one.secret" --new-secret "$tmp/new" --priority prefer "${cheap[@]}"
ends 2 usage 'pbkdf2 with sha256 and nothing else' add "$tmp/one.header" --secret "$tmp/one.secret" --new-secret "$tmp/new" --pbkdf argon2id
for slot in 1 2 3 4 5 6 7; do
  new_secret "key$slot"
  exits 0 "$program" key add "$tmp/one.header" --secret "$tmp/one.secret" --new-secret "$tmp/key$slot" "${cheap[@]}"
done
ends 2 usage 'one.header: all 8 key slots are in use; remove one' change "$tmp/one.header" --secret "$tmp/one.secret" --new-secret "$tmp/new"

note "2: what is missing or too much"
ends 2 usage 'no terminal' add "$header" --new-secret "$tmp/new"
ends 2 usage '--new-secret .*no terminal' add "$header" --secret "$secret"
ends 2 usage 'more than one' add "$header" --secret "$secret" --new-secret "$tmp/new" --new-secret "$tmp/wrong"
ends 2 usage '--new-secret-size x: expected a size' add "$header" --secret "$secret" --new-secret "$tmp/new" --new-secret-size x
ends 2 usage 'to its end' add "$header" --secret - --new-secret -
ends 2 usage 'give one of them' add "$header" --secret "$secret" --new-secret "$tmp/new" --pbkdf-force-iterations 1000 --iter-time 100
ends 2 usage 'a passphrase itself is refused' add "$header" --secret "$secret" --new-passphrase hunter2
if grep -q hunter2 "$tmp/said"; then fail "the message shows the passphrase"; fi
exits 2 "$program" key
exits 2 "$program" key add
exits 2 "$program" key add "$header" --pbkdf md5
exits 2 "$program" key add "$header" --priority high

note "1: memory, sources"
ends 1 key_derivation 'needs 1048576 MiB' add "$header" --secret "$secret" --new-secret "$tmp/new" --pbkdf-memory 1073741824
ends 1 source_unreachable 'No such file' add "$tmp/none" --secret "$secret" --new-secret "$tmp/new"
ends 1 source_unreachable 'No such file' add "$header" --secret "$secret" --new-secret "$tmp/none"
serve_plain -r file "$header"
ends 1 source_unreachable 'can only be read' add "$uri" --secret "$secret" --new-secret "$tmp/new"
stop "$server"
serve "header=$header" "payload=$tmp/two.payload" "secret=$secret"
exits 0 "$program" key add "$header" --secret "$secret" --new-secret "$tmp/new" "${cheap[@]}" # a service reads it once
stop "$server"

exec {lock}<>"$header"
/usr/bin/python3 -c 'import fcntl, struct, sys
fcntl.fcntl(int(sys.argv[1]), 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))' "$lock" # F_OFD_SETLK
ends 1 payload_in_use 'has it locked' add "$header" --secret "$secret" --new-secret "$tmp/wrong"
exec {lock}>&-
