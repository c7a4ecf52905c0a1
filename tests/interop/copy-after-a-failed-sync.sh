#!/bin/bash
# When a sync has failed, the system may go on showing what the storage has not got. The same command, given
# again, does not take that for done.
. "$(dirname -- "$0")/own_mounts.sh"
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"
. "$here/ordinary.sh"
. "$here/copy.sh"

# A file system on a disk that is larger than what holds it.
mkdir "$tmp/holder" "$tmp/disk"
mount -t tmpfs -o size=40M none "$tmp/holder" 2>"$tmp/mount.err" || skip "no mount here: $(cat "$tmp/mount.err")"
defer umount "$tmp/holder"
truncate -s 128M "$tmp/holder/image"
mkfs.ext4 -q -O ^has_journal "$tmp/holder/image"
loop=$(losetup -f --show "$tmp/holder/image" 2>"$tmp/losetup.err") || skip "no loop device here: $(cat "$tmp/losetup.err")"
defer losetup -d "$loop"
mount "$loop" "$tmp/disk" 2>"$tmp/mount.err" || skip "no mount here: $(cat "$tmp/mount.err")"
defer umount "$tmp/disk"

is_full() { head -c 100M /dev/zero >"$tmp/holder/rest" 2>/dev/null || true; }
has_room() { rm -f "$tmp/holder/rest"; }
# forget: from now on it is read from the storage.
forget() { umount "$tmp/disk" && mount "$loop" "$tmp/disk"; }

note "header restore where the header is"
make_luks2 three 256K
exits 0 "$program" header backup "$tmp/three.header" --output "$tmp/three.backup"
new_secret new
exits 0 "$program" key add "$tmp/three.backup" --secret "$tmp/three.secret" --new-secret "$tmp/new" "${cheap_keyslot[@]}"
cp "$tmp/three.header" "$tmp/disk/header"
fallocate --punch-hole --offset 290816 --length 258048 "$tmp/disk/header" # of key slot 1
ln "$tmp/disk/header" "$tmp/disk/other-name"
forget
is_full
restore=(header restore "$tmp/disk/header" --input "$tmp/three.backup" --keep-old "$tmp/three.old")
exits 1 "$program" "${restore[@]}"
says 'cannot flush'
has_room
exits 0 "$program" "${restore[@]}"
forget
same "$tmp/three.backup" "$tmp/disk/header"

note "encrypt"
new_secret two.secret
noise 16M >"$tmp/plain"
encrypt=(encrypt "$tmp/plain" --header "$tmp/two.header" --payload "$tmp/disk/payload" --secret "$tmp/two.secret" "${cheap_keyslot[@]}")
is_full
exits 1 "$program" "${encrypt[@]}"
says 'cannot flush .*: (No space left|Input/output error)'
has_room
exits 0 "$program" "${encrypt[@]}"
forget
exits 0 "$program" decrypt --header "$tmp/two.header" --payload "$tmp/disk/payload" --secret "$tmp/two.secret" "$tmp/back"
same "$tmp/plain" "$tmp/back"

note "attach in place"
make_ordinary_luks2 one
exits 0 "$program" detach "$tmp/one.volume" --header "$tmp/one.header" --secret "$tmp/one.secret" --wipe-header
cp --sparse=always "$tmp/one.volume" "$tmp/disk/volume"
forget
is_full
attach=(attach --header "$tmp/one.header" --payload "$tmp/disk/volume" "$tmp/disk/volume")
exits 1 "$program" "${attach[@]}"
says 'cannot flush'
has_room
exits 0 "$program" "${attach[@]}"
forget
is_ordinary "$tmp/disk/volume" one
