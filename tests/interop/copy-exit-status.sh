#!/bin/bash
# encrypt and decrypt never go over existing data without --force, nor over what they read; what they refuse
# leaves everything as it was.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"
. "$here/copy.sh"

new_secret two.secret
new_secret wrong
plain_image "$tmp/plain" 4M
encrypts two "$tmp/plain"
noise 4M >"$tmp/other"
new=$tmp/new.header
secret=(--secret "$tmp/two.secret")
volume=(--header "$tmp/two.header" --payload "$tmp/two.payload")

everything() { find "$tmp" -maxdepth 1 ! -name said -type f -exec sha256sum {} + | sort; }
# refuses STATUS REGEX COMMAND ARGUMENT…
refuses() {
  local before
  before=$(everything)
  exits "$1" "$program" "${@:3}"
  says "^luksdetached: .*$2"
  note "$(tail -n 1 "$tmp/said")"
  [ "$before" = "$(everything)" ] || fail "something changed: $(diff <(echo "$before") <(everything))"
}
# encrypting STATUS REGEX HEADER PAYLOAD ARGUMENT…
encrypting() { refuses "$1" "$2" encrypt "${5:-$tmp/plain}" --header "$3" --payload "$4" "${secret[@]}" "${cheap_keyslot[@]}" "${@:6}"; }

note "existing data"
encrypting 4 'header .*two.header exists.*--force' "$tmp/two.header" "$tmp/none"
encrypting 4 'payload .*other exists.*--force' "$new" "$tmp/other"
refuses 4 'target .*other exists.*--force' decrypt "${volume[@]}" "${secret[@]}" "$tmp/other"
truncate -s 8M "$tmp/ext4"
mkfs.ext4 -q "$tmp/ext4"
serve_plain file "$tmp/ext4"
encrypting 4 'payload .* holds ext4.*--force' "$new" "$uri"
refuses 4 'target .* holds ext4.*--force' decrypt "${volume[@]}" "${secret[@]}" "$uri"
stop "$server"

note "what would be read and written"
encrypting 2 'overwritten while it is needed' "$new" "$tmp/plain" "$tmp/plain" --force
encrypting 2 'overwritten while it is needed' "$tmp/plain" "$tmp/none" "$tmp/plain" --force
encrypting 2 'overwritten while it is needed' "$tmp/new" "$tmp/new"
ln -s plain "$tmp/link"
encrypting 2 'overwritten while it is needed' "$new" "$tmp/link" "$tmp/plain" --force
refuses 2 'overwritten while it is needed' decrypt "${volume[@]}" "${secret[@]}" --force "$tmp/two.payload"
refuses 2 'overwritten while it is needed' decrypt "${volume[@]}" "${secret[@]}" --force "$tmp/two.header"
for written in "$tmp/two.secret" "$tmp/two.secret.unfinished"; do
  [ -e "$written" ] || mv "$tmp/two.secret" "$written"
  with=(--secret "$written")
  place=${written%.unfinished}
  refuses 2 'overwritten while it is needed' decrypt "${volume[@]}" "${with[@]}" --force "$place"
  refuses 2 'overwritten while it is needed' encrypt "$tmp/plain" --header "$place" --payload "$tmp/new" "${with[@]}" --force
  refuses 2 'overwritten while it is needed' encrypt "$tmp/plain" --header "$tmp/new" --payload "$place" "${with[@]}" --force
  refuses 2 'overwritten while it is needed' encrypt "$tmp/plain" --header "$tmp/new" --payload "$place" --passphrase "+$written" --force
done
mv "$written" "$tmp/two.secret"
mkdir "$tmp/credentials"
for name in volume-key credentials/c program; do cp "$tmp/two.secret" "$tmp/$name"; done
export CREDENTIALS_DIRECTORY=$tmp/credentials
while read -r name with; do
  # shellcheck disable=SC2086  # words
  refuses 2 'overwritten while it is needed' decrypt "${volume[@]}" $with --force "$tmp/$name" 3<"$tmp/program"
done <<END
volume-key --volume-key $tmp/volume-key
credentials/c --secret credential:c
program --secret exec:$tmp/program
program --secret fd:3
program --passphrase -3
END

note "what has the name that the result has until it is complete"
cp "$tmp/two.payload" "$tmp/back.unfinished"
cp "$tmp/plain" "$tmp/new.unfinished"
chmod 600 "$tmp"/*.unfinished
refuses 2 'back.unfinished has the name that .*back has' decrypt --header "$tmp/two.header" --payload "$tmp/back.unfinished" "${secret[@]}" "$tmp/back"
encrypting 2 'new.unfinished has the name that .*new has' "$tmp/header" "$tmp/new" "$tmp/new.unfinished"
encrypting 2 'new.unfinished has the name that .*new has' "$tmp/new.unfinished" "$tmp/new" "$tmp/plain" --force
refuses 2 'back.unfinished has the name that .*back has' attach --header "$tmp/two.header" --payload "$tmp/back.unfinished" "$tmp/back"
rm "$tmp"/*.unfinished

note "what cannot be"
refuses 2 'standard output.*is ./-' decrypt "${volume[@]}" "${secret[@]}" -
printf 1234567 >"$tmp/odd"
encrypting 2 'has 7 bytes.*truncate -s %512' "$new" "$tmp/none" "$tmp/odd"
: >"$tmp/empty"
encrypting 2 'has 0 bytes' "$new" "$tmp/none" "$tmp/empty"
encrypting 1 'header: cannot connect' "nbd+unix:///?socket=$tmp/nobody" "$tmp/none"
encrypting 1 'No such file' "$new" "$tmp/none" "$tmp/missing"
encrypting 1 'No such file' "$tmp/missing/header" "$tmp/none"
refuses 3 'does not match any key slot|no key slot' decrypt "${volume[@]}" --secret "$tmp/wrong" "$tmp/none"
truncate -s 2M "$tmp/small"
serve_plain file "$tmp/small"
encrypting 1 'has 2097152 bytes, source .* has 4194304' "$new" "$uri"
refuses 1 'has 2097152 bytes, and there are 4194304 to copy' decrypt "${volume[@]}" "${secret[@]}" "$uri"
stop "$server"
serve_plain -r file "$tmp/other"
encrypting 1 'can only be read' "$new" "$uri"
stop "$server"

note "with --force"
exits 0 "$program" decrypt "${volume[@]}" "${secret[@]}" --force "$tmp/other"
same "$tmp/plain" "$tmp/other"
noise 4M >"$tmp/plain"
encrypts two "$tmp/plain" --force
decrypts two "$tmp/back"
same "$tmp/plain" "$tmp/back"
nothing_unfinished
