#!/bin/bash
# A header on a block device: made there, changed there, backed up and restored, and left alone while somebody
# else has the device.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"

truncate -s 17M "$tmp/disk"
loop=$(losetup -f --show "$tmp/disk" 2>"$tmp/losetup.err") || skip "no loop device here: $(cat "$tmp/losetup.err")"
defer losetup -d "$loop"
for name in first second; do new_secret $name; done

note "made on zeros, not on anything else"
exits 0 "$program" create --header "$loop" --payload "$tmp/payload" --payload-size 1M --secret "$tmp/first" "${cheap_keyslot[@]}"
opens "$loop" "$tmp/first"
exits 4 "$program" create --header "$loop" --payload "$tmp/payload" --secret "$tmp/first" "${cheap_keyslot[@]}"
says 'something in header .*--force'

note "backed up and changed"
exits 0 "$program" header backup "$loop" --output "$tmp/backup"
exits 0 "$program" key change "$loop" --secret "$tmp/first" --new-secret "$tmp/second" "${cheap_keyslot[@]}"
opens "$loop" "$tmp/second"
opens_not "$loop" "$tmp/first"

note "the file behind the device is the device"
before=$(sha256sum <"$loop")
exits 2 "$program" header backup "$loop" --output "$tmp/disk" --force
says 'is the header itself'
for place in "$loop" "$tmp/disk"; do
  exits 2 "$program" header restore "$loop" --input "$tmp/backup" --keep-old "$place"
  says 'is given twice'
  exits 2 "$program" create --header "$loop" --payload "$place" --secret "$tmp/first" "${cheap_keyslot[@]}" --force
  says 'is given twice'
done
[ "$before" = "$(sha256sum <"$loop")" ] || fail "it was changed"

note "restored"
exits 2 "$program" header restore "$loop" --input "$tmp/backup"
says 'keep-old PATH is missing'
exits 0 "$program" header restore "$loop" --input "$tmp/backup" --keep-old "$tmp/kept"
opens "$loop" "$tmp/first"
opens "$tmp/kept" "$tmp/second"
noise 1M | dd of="$loop" conv=notrunc,fsync status=none
exits 0 "$program" header restore "$loop" --input "$tmp/backup" --keep-old "$tmp/destroyed" --force
opens "$loop" "$tmp/first"

note "of encrypt"
noise 1M >"$tmp/plain"
head -c 16M /dev/zero | dd of="$loop" conv=notrunc,fsync status=none
exits 0 "$program" encrypt "$tmp/plain" --header "$loop" --payload "$tmp/encrypted" --secret "$tmp/first" "${cheap_keyslot[@]}"
opens "$loop" "$tmp/first"
exits 0 "$program" decrypt --header "$loop" --payload "$tmp/encrypted" --secret "$tmp/first" "$tmp/back"
same "$tmp/plain" "$tmp/back"

note "not while another one has it"
/usr/bin/python3 -c "
import os, time
os.open('$loop', os.O_RDWR | os.O_EXCL)
open('$tmp/held', 'w').close()
time.sleep(600)" &
defer stop_quietly $!
eventually test -e "$tmp/held"
exits 1 "$program" key add "$loop" --secret "$tmp/first" --new-secret "$tmp/second" "${cheap_keyslot[@]}"
says 'in use'
