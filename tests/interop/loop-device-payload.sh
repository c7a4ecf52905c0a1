#!/bin/bash
# A block device as payload: same bytes as a file, refused while it is mounted or held, and read-only
# where the device is.
. "$(dirname -- "$0")/own_mounts.sh"
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 8M --sector-size 4096
loop=$(losetup -f --show "$tmp/v.payload" 2>"$tmp/losetup.err") ||
  skip "no loop device here: $(cat "$tmp/losetup.err")"
defer losetup -d "$loop"
volume=("header=$tmp/v.header" "payload=$loop" "secret=$tmp/v.secret")

# As a mount or device-mapper do: $holder has it alone, until it is released.
hold_the_device() {
  rm -f "$tmp/held"
  /usr/bin/python3 -c "
import os, time
while True:
    try:
        os.open('$loop', os.O_RDWR | os.O_EXCL)
        break
    except OSError: # what had it before is going
        time.sleep(0.1)
open('$tmp/held', 'w').close()
time.sleep(600)" &
  holder=$!
  defer stop_quietly "$holder"
  eventually test -e "$tmp/held"
}
release_the_device() {
  kill "$holder"
  wait "$holder" || true
}

note "through $loop"
noise 8M >"$tmp/plain"
serve "${volume[@]}"
[ "$(nbdinfo --size "$uri")" = 8388608 ] || fail "size $(nbdinfo --size "$uri")"
turns=$([ "$(cat "/sys/block/${loop##*/}/queue/rotational")" = 0 ] && echo false || echo true)
[ "$(nbdinfo --json "$uri" | jq '.exports[0].is_rotational')" = "$turns" ] || fail "not $turns: that it turns"
nbdcopy --flush "$tmp/plain" "$uri"

note "held by the first server, not by who only reads it"
exec {reader}<"$loop"
refused "$loop.*in use: process $server \(nbdkit\) has it open for writing" "${volume[@]}"
exec {reader}<&-
stop "$server"
blockdev --flushbufs "$loop"
decrypted v 4096 >"$tmp/decrypted"
same "$tmp/plain" "$tmp/decrypted"

note "its file, which the device would write, too"
refused "v\.payload: it is in use by $loop" "header=$tmp/v.header" "payload=$tmp/v.payload" "secret=$tmp/v.secret"
serve -r "header=$tmp/v.header" "payload=$tmp/v.payload" "secret=$tmp/v.secret"
stop "$server"

note "mounted"
mke2fs -q -F -t ext4 "$loop"
mkdir "$tmp/mounted here"
if mount "$loop" "$tmp/mounted here"; then
  defer eval "umount '$tmp/mounted here' 2>/dev/null || true"
  refused "$loop.*in use: mounted at $tmp/mounted here;" "${volume[@]}"
  umount "$tmp/mounted here"
else
  note "this kernel does not mount it: held by an exclusive open instead"
  hold_the_device
  refused "$loop.*in use: process $holder \(python3.*\) has it open for writing" "${volume[@]}"
  release_the_device
fi

note "held by device-mapper, as far as the plugin can see"
hold_the_device
usual=("${nbdkit_under_test[@]}")
# shellcheck disable=SC2016  # for the inner shell
nbdkit_under_test=(unshare -m sh -c 'holder=/sys/dev/block/$1/holders/dm-3
  mount -t tmpfs tmpfs /sys/dev/block && mkdir -p "$holder/dm" && echo "cellar disk" >"$holder/dm/name"
  shift && exec "$@"' sh "$(lsblk -dno MAJ:MIN "$loop" | tr -d ' ')" "${nbdkit_under_test[@]}")
refused "$loop.*in use: device-mapper's dm-3 \(cellar disk\);" "${volume[@]}"
nbdkit_under_test=("${usual[@]}")
release_the_device

note "a read-only device"
blockdev --setro "$loop"
defer blockdev --setrw "$loop" # it would stay so for whoever has it next
serve "header=$tmp/v.header" "payload=$loop" "secret=$tmp/v.secret"
[ "$(nbdinfo --json "$uri" | jq '.exports[0].is_read_only')" = true ] || fail "writable on a read-only device"

note "a device that becomes larger"
truncate -s 9M "$tmp/v.payload"
losetup -c "$loop"
[ "$(nbdinfo --size "$uri")" = 9437184 ] || fail "size $(nbdinfo --size "$uri")"
stop "$server"

note "its file, which such a device does not write"
serve "header=$tmp/v.header" "payload=$tmp/v.payload" "secret=$tmp/v.secret"
stop "$server"
