#!/bin/bash
# header restore puts a backup in the place of a header, keeps what was there, and refuses what may be a
# mistake.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"

new_secret second
make_luks1 one 256K
make_luks2 two 256K
make_luks2 other 256K

restore() { exits 0 "$program" header restore "$@"; }
# refuses STATUS REGEX HEADER ARGUMENT…: and leaves the header as it is.
refuses() {
  local before
  before=$(sha256sum "$3")
  exits "$1" "$program" header restore "${@:3}"
  says "$2"
  note "$(tail -n 1 "$tmp/said")"
  [ "$before" = "$(sha256sum "$3")" ] || fail "the header changed"
}

for name in one two; do
  note "$name: an older backup, which brings back what was removed since"
  header=$tmp/$name.header
  exits 0 "$program" header backup "$header" --output "$tmp/$name.backup"
  exits 0 "$program" key change "$header" --secret "$tmp/$name.secret" --new-secret "$tmp/second" "${cheap_keyslot[@]}"
  cp "$header" "$tmp/before"
  chmod 640 "$header"
  touch -d 2020-02-03T04:05:06Z "$header"
  restore "$header" --input "$tmp/$name.backup"
  says '^modified +2020-02-03T04:05:06Z +20[0-9-]+T'
  says '^key slots +1 +0$'
  says 'warning: key slot 0 of the backup .* opens the volume again'
  kept=$(sed -n 's/^what was there is kept in //p' "$tmp/said")
  opens "$header" "$tmp/$name.secret"
  opens_not "$header" "$tmp/second"
  [ "$(stat -c %a "$header")" = 640 ] || fail "mode $(stat -c %a "$header")"
  [[ $kept == "$header".old-20* ]] || fail "kept in '$kept'"
  cmp -n "$(stat -c %s "$tmp/before")" "$tmp/before" "$kept"
  opens "$kept" "$tmp/second"

  note "$name: a file that is lost"
  rm "$header"
  restore "$header" --input "$tmp/$name.backup" --json
  jq -e '.done and .old == null and .kept == null and .backup.keyslots == [0]' "$tmp/said" >/dev/null || fail "$(cat "$tmp/said")"
  opens "$header" "$tmp/$name.secret"
  [ "$(stat -c %a "$header")" = 600 ] || fail "mode $(stat -c %a "$header")"

  note "$name: a header that is destroyed"
  head -c 8192 /dev/zero | dd of="$header" conv=notrunc status=none
  [ $name = one ] || head -c 65536 /dev/zero | dd of="$header" conv=notrunc status=none
  refuses 4 'no intact header .*there is no LUKS header; --force' "$header" --input "$tmp/$name.backup"
  restore "$header" --input "$tmp/$name.backup" --force --keep-old "$tmp/$name.destroyed"
  opens "$header" "$tmp/$name.secret"
  cmp -n 8192 "$tmp/$name.destroyed" /dev/zero
done

note "another volume's"
refuses 4 'another volume .*the UUID is .*--force' "$tmp/two.header" --input "$tmp/other.header"
says "^UUID +$(cryptsetup luksUUID "$tmp/two.header") +$(cryptsetup luksUUID "$tmp/other.header")\$"
restore "$tmp/two.header" --input "$tmp/other.header" --force --json
jq -e '.old.uuid != .backup.uuid' "$tmp/said" >/dev/null || fail "$(cat "$tmp/said")"
opens "$tmp/two.header" "$tmp/other.secret"

note "a link stays one"
ln -s two.header "$tmp/link"
restore "$tmp/link" --input "$tmp/two.backup" --force --keep-old "$tmp/link.old"
[ -L "$tmp/link" ] || fail "the link is gone"
opens "$tmp/two.header" "$tmp/two.secret"

note "what cannot be"
refuses 1 'No such file' "$tmp/two.header" --input "$tmp/none"
refuses 1 'two.secret: there is no LUKS header$' "$tmp/two.header" --input "$tmp/two.secret" --force
refuses 2 'input' "$tmp/two.header"
refuses 4 'exists and has something else' "$tmp/two.header" --input "$tmp/other.header" --force --keep-old "$tmp/two.secret"

note "nothing to do: nothing is kept, nor said to be"
cp "$tmp/two.header" "$tmp/two.same"
rm -f "$tmp"/two.header.old-*
exits 0 "$program" header restore "$tmp/two.header" --input "$tmp/two.same" --keep-old "$tmp/two.secret"
says 'two.header: has what is in .*two.same already'
! grep -q 'is kept' "$tmp/said" || fail "$(cat "$tmp/said")"
exits 0 "$program" header restore "$tmp/two.header" --input "$tmp/two.same" --json
jq -e '.done and .kept == null' "$tmp/said" >/dev/null || fail "$(cat "$tmp/said")"
! ls "$tmp"/two.header.old-* 2>/dev/null || fail "kept"

note "what is there cannot be kept where it is, nor in the backup"
for force in '' --force; do
  refuses 2 'two.header is given twice' "$tmp/two.header" --input "$tmp/two.backup" --keep-old "$tmp/two.header" $force
  refuses 2 'two.backup is given twice' "$tmp/two.header" --input "$tmp/two.backup" --keep-old "$tmp/two.backup" $force
done

note "a key slot that has the number of one that was removed"
exits 0 "$program" header backup "$tmp/one.header" --output "$tmp/one.now"
exits 0 "$program" key change "$tmp/one.header" --secret "$tmp/one.secret" --new-secret "$tmp/second" "${cheap_keyslot[@]}"
new_secret third
exits 0 "$program" key change "$tmp/one.header" --secret "$tmp/second" --new-secret "$tmp/third" "${cheap_keyslot[@]}"
[ "$(slots "$tmp/one.header")" = 0 ] || fail "key slots $(slots "$tmp/one.header")"
restore "$tmp/one.header" --input "$tmp/one.now"
says 'warning: key slot 0 of the backup .* opens the volume again'

note "a reencryption that has begun"
truncate -s 20M "$tmp/begun"
cryptsetup luksFormat --batch-mode --type luks2 "${cheap_pbkdf2[@]}" --key-file "$tmp/one.secret" "$tmp/begun"
exits 0 "$program" header backup "$tmp/begun" --output "$tmp/begun.backup"
cryptsetup reencrypt --init-only --batch-mode "${cheap_pbkdf2[@]}" --key-file "$tmp/one.secret" "$tmp/begun"
refuses 4 'being reencrypted.*--force' "$tmp/begun" --input "$tmp/begun.backup" --keep-old "$tmp/begun.old"
restore "$tmp/begun" --input "$tmp/begun.backup" --keep-old "$tmp/begun.old" --force

note "an ordinary volume, from cryptsetup's backup: its data are as they were"
for type in luks1 luks2; do
  volume=$tmp/whole-$type
  truncate -s 20M "$volume"
  cryptsetup luksFormat --batch-mode --type $type "${cheap_pbkdf2[@]}" --key-file "$tmp/one.secret" "$volume"
  noise 1M | dd of="$volume" bs=1M seek=17 conv=notrunc status=none
  cryptsetup luksHeaderBackup --header-backup-file "$tmp/$type.backup" "$volume"
  cp --sparse=always "$volume" "$tmp/whole"
  exits 0 "$program" key change "$volume" --secret "$tmp/one.secret" --new-secret "$tmp/second" "${cheap_keyslot[@]}"
  refuses 2 '--keep-old PATH is missing' "$volume" --input "$tmp/$type.backup"
  restore "$volume" --input "$tmp/$type.backup" --keep-old "$tmp/$type.old"
  same "$tmp/whole" "$volume"
  opens "$tmp/$type.old" "$tmp/second"
done

note "behind a server"
exits 0 "$program" key change "$tmp/two.header" --secret "$tmp/two.secret" --new-secret "$tmp/second" "${cheap_keyslot[@]}"
serve_plain file "$tmp/two.header"
exits 2 "$program" header restore "$uri" --input "$tmp/two.backup"
says 'keep-old'
restore "$uri" --input "$tmp/two.backup" --keep-old "$tmp/remote.old"
stop "$server"
opens "$tmp/two.header" "$tmp/two.secret"
opens "$tmp/remote.old" "$tmp/second"
[ -z "$(find "$tmp" -name '.*.??????')" ] || fail "left behind: $(find "$tmp" -name '.*.??????')"
