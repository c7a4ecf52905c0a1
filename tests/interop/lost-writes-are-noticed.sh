#!/bin/bash
# What was written is read back from the storage itself, not from the system's memory: storage that takes all
# and keeps nothing ends each command that writes to it with an error.
. "$(dirname -- "$0")/own_mounts.sh"
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"
. "$here/ordinary.sh"

make_luks2 two 4M
new_secret new
exits 0 "$program" header backup "$tmp/two.header" --output "$tmp/backup"
exits 0 "$program" key add "$tmp/two.header" --secret "$tmp/two.secret" --new-secret "$tmp/new" "${cheap_keyslot[@]}"
make_ordinary_luks2 one
cp "$tmp/one.volume" "$tmp/wiped"
exits 0 "$program" detach "$tmp/wiped" --header "$tmp/one.header" --secret "$tmp/one.secret" --wipe-header

# serve_losing PWRITE: $tmp/disk, and what becomes of a write.
serve_losing() {
  serve_plain eval get_size='echo 16M' flush=true pwrite="$1" \
    pread="dd if=$tmp/disk iflag=skip_bytes,count_bytes skip=\$4 count=\$3 status=none"
}

# device FOLDER: what the server has as the device $loop.
device() {
  [ -e /dev/fuse ] || skip "no /dev/fuse here"
  mkdir "$1"
  nbdfuse "$1" "$uri" &
  defer stop_quietly $!
  eventually test -f "$1/nbd"
  # By direct I/O the system has only what is in the device itself in its memory, not what is in the file, too.
  loop=$(losetup -f --show --direct-io=on "$1/nbd" 2>"$tmp/losetup.err") || skip "no loop device here: $(cat "$tmp/losetup.err")"
  defer losetup -d "$loop"
}

# holds FILE: the storage, and zeros behind that.
holds() {
  cp --sparse=always "$1" "$tmp/disk"
  truncate -s 16M "$tmp/disk"
}

# notices REGEX COMMAND ARGUMENT…
notices() {
  exits 1 "$program" "${@:2}"
  says "$1"
  note "$(tail -n 1 "$tmp/said")"
}

# commands PLACE: each of them, where the storage is.
commands() {
  local cheap=("${cheap_keyslot[@]}") secret=(--secret "$tmp/two.secret")
  holds "$tmp/two.header"
  notices 'what was written is not what is read back' key add "$1" "${secret[@]}" --new-secret "$tmp/new" "${cheap[@]}"
  notices 'what was written is not what is read back' header restore "$1" --input "$tmp/backup" --keep-old "$tmp/kept"
  holds /dev/null
  notices 'what was written is not what is read back' create --header "$1" --payload "$tmp/two.payload" "${secret[@]}" "${cheap[@]}"
  notices 'what is read back from .* is not what' decrypt --header "$tmp/two.header" --payload "$tmp/two.payload" "${secret[@]}" "$1"
  holds "$tmp/wiped"
  notices 'written as its header is not what is read back' attach --header "$tmp/one.header" --payload "$1" "$1"
  holds "$tmp/one.volume"
  notices 'can still be read' detach "$1" --header "$tmp/one.header" --secret "$tmp/one.secret" --wipe-header
}

note "a server"
serve_losing 'cat >/dev/null'
commands "$uri"

note "a device"
device "$tmp/lost"
commands "$loop"

note "a new file, of a file system on a device that loses headers alone"
holds /dev/null
mkfs.ext4 -q -O ^has_journal "$tmp/disk"
serve_losing "written=$tmp/written.\$\$; cat >\$written
  grep -q LUKS \$written || dd if=\$written of=$tmp/disk oflag=seek_bytes seek=\$4 conv=notrunc status=none"
device "$tmp/losing-headers"
mkdir "$tmp/mounted"
mount "$loop" "$tmp/mounted" 2>"$tmp/mount.err" || skip "no mount here: $(cat "$tmp/mount.err")"
defer umount "$tmp/mounted"
exits 1 "$program" header backup "$tmp/two.header" --output "$tmp/mounted/backup"
says 'what is read back is not what was written'
