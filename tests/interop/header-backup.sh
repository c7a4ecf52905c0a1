#!/bin/bash
# header backup makes what cryptsetup restores and what header= takes, for its owner alone, and never
# overwrites another volume's.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"

make_luks1 one 256K
make_luks2 two 256K
make_luks2 other 256K
for type in luks1 luks2; do
  truncate -s 20M "$tmp/whole-$type"
  cryptsetup luksFormat --batch-mode --type $type "${cheap_pbkdf2[@]}" --key-file "$tmp/one.secret" "$tmp/whole-$type"
done

for header in "$tmp/one.header" "$tmp/two.header" "$tmp/whole-luks1" "$tmp/whole-luks2"; do
  note "$header"
  secret=${header%.header}.secret
  [ -e "$secret" ] || secret=$tmp/one.secret
  rm -f "$tmp/backup"
  exits 0 "$program" header backup "$header" --output "$tmp/backup"
  says '^SHA-256  [0-9a-f]{64}$'
  [ "$(stat -c %a "$tmp/backup")" = 600 ] || fail "mode $(stat -c %a "$tmp/backup")"
  opens "$tmp/backup" "$secret"
  cmp -n "$("$program" inspect --json "$header" | jq .header_size)" "$header" "$tmp/backup"
  cp --sparse=always "$header" "$tmp/destroyed"
  noise 64K | dd of="$tmp/destroyed" conv=notrunc status=none
  cryptsetup luksHeaderRestore --batch-mode --header-backup-file "$tmp/backup" "$tmp/destroyed"
  opens "$tmp/destroyed" "$secret"
done

note "what it says is what the header has"
exits 0 "$program" header backup "$tmp/two.header" --output "$tmp/two.backup" --json
jq -e --arg uuid "$(cryptsetup luksUUID "$tmp/two.header")" \
  --arg sha256 "$("$program" inspect --json "$tmp/two.header" | jq -r .header_sha256)" --argjson size "$(stat -c %s "$tmp/two.backup")" \
  '.done and .uuid == $uuid and .header_sha256 == $sha256 and .size == $size and .warnings == []' "$tmp/said" >/dev/null ||
  fail "$(cat "$tmp/said")"

# refuses STATUS REGEX ARGUMENT…: and leaves everything as it is.
refuses() {
  local before
  before=$(find "$tmp" -maxdepth 1 ! -name said -type f -exec sha256sum {} + | sort)
  exits "$1" "$program" header backup "${@:3}"
  says "$2"
  note "$(cat "$tmp/said")"
  [ "$before" = "$(find "$tmp" -maxdepth 1 ! -name said -type f -exec sha256sum {} + | sort)" ] || fail "something changed"
}

note "what is there already"
refuses 4 'of this volume already; --force' "$tmp/two.header" --output "$tmp/two.backup"
refuses 4 'another volume .the UUID' "$tmp/other.header" --output "$tmp/two.backup"
refuses 4 'another volume .the UUID.* never' "$tmp/other.header" --output "$tmp/two.backup" --force
refuses 4 'no backup of a header; --force' "$tmp/two.header" --output "$tmp/one.secret"
refuses 2 'is no regular file' "$tmp/two.header" --output "$tmp" --force
refuses 2 'is the header itself' "$tmp/two.header" --output "$tmp/two.header" --force
new_secret second
exits 0 "$program" key add "$tmp/two.header" --secret "$tmp/two.secret" --new-secret "$tmp/second" "${cheap_keyslot[@]}"
exits 0 "$program" header backup "$tmp/two.header" --output "$tmp/two.backup" --force
opens "$tmp/two.backup" "$tmp/second"

note "a volume's data"
refuses 2 'is the header itself' "qemu:raw:$tmp/whole-luks2" --output "$tmp/whole-luks2" --force
cp "$tmp/whole-luks1" "$tmp/copy-luks1"
cp "$tmp/whole-luks2" "$tmp/copy-luks2"
for type in luks1 luks2; do
  refuses 4 'ordinary volume.* never' "$tmp/whole-$type" --output "$tmp/copy-$type" --force
done
exits 0 "$program" header backup "$tmp/whole-luks1" --output "$tmp/luks1.backup"
exits 0 "$program" header backup "$tmp/whole-luks1" --output "$tmp/luks1.backup" --force

note "a limit for files is an error, and nothing is left"
exits 1 bash -c "ulimit -f 100 && exec \"\$@\"" - "$program" header backup "$tmp/two.header" --output "$tmp/limited"
says 'File too large'

note "Ctrl-C when all but its name is there: it is made, and says so"
exits 0 "${without_leak_check[@]}" strace -qq -o /dev/null -e trace=fsync -e inject=fsync:signal=INT:when=1 \
  "$program" header backup "$tmp/two.header" --output "$tmp/interrupted"
says 'backed up to .*interrupted, read back and compared'
opens "$tmp/interrupted" "$tmp/two.secret"

note "a lost write is noticed, and nothing is left"
exits 1 "${without_leak_check[@]}" strace -qq -o /dev/null -e trace=pwrite64 -e inject=pwrite64:retval=4096:when=1 \
  "$program" header backup "$tmp/two.header" --output "$tmp/lost"
says 'lost: what is read back is not what was written'
[ ! -e "$tmp/lost" ] || fail "a backup"

note "what cannot be"
refuses 1 'No such file' "$tmp/two.header" --output "$tmp/none/backup"
refuses 1 'No such file' "$tmp/none" --output "$tmp/backup2"
refuses 1 'no LUKS header' "$tmp/one.secret" --output "$tmp/backup2"
refuses 2 'output' "$tmp/two.header"
[ -z "$(find "$tmp" -name '.*.??????')" ] || fail "left behind: $(find "$tmp" -name '.*.??????')"
