#!/bin/bash
# A qcow2 image inside the export, served by qemu-nbd on top: what is written through both is there
# after both were started again, the image is sound, and so it is in what libgcrypt decrypts.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 8M --sector-size 4096
parameters v
stacked="nbd+unix:///?socket=$tmp/stacked.sock"
attach() {
  serve "${parameters[@]}"
  qemu-nbd --discard=unmap --persistent --shared=4 --format=qcow2 --socket="$tmp/stacked.sock" "$uri" &
  qemu_nbd=$!
  defer stop_quietly "$qemu_nbd"
  eventually nbdinfo --size "$stacked"
}
detach() {
  kill -TERM "$qemu_nbd"
  wait "$qemu_nbd" || fail "qemu-nbd ended with status $?"
  check -f qcow2 "$uri"
  stop "$server"
}
# Its exit status tells of leaks as well.
check() { qemu-img check "$@" || fail "qemu-img check: status $?"; }
pattern() { # BYTE OFFSET LENGTH: in the file that is to be
  head -c "$3" /dev/zero | tr '\0' "$(printf '\\%o' "$1")" |
    dd of="$tmp/plain" bs=64K seek="$2" oflag=seek_bytes conv=notrunc status=none
}

serve "${parameters[@]}"
# More than the export holds, if it were all used.
qemu-img create -q -f qcow2 "$uri" 64M
stop "$server"

attach
[ "$(nbdinfo --size "$stacked")" = 67108864 ] || fail "qemu-nbd's size: $(nbdinfo --size "$stacked")"
truncate -s 64M "$tmp/plain"
for at in 0 10 33 63; do noise 700001 | dd of="$tmp/plain" bs=1M seek=$at conv=notrunc status=none; done
nbdcopy --destination-is-zero --flush "$tmp/plain" "$stacked"
qemu-io -f raw -c 'write -P 0x5a 5000001 3000' -c 'write -z 10M 300k' -c 'write -z -u 33M 64k' -c flush "$stacked"
pattern 0x5a 5000001 3000
pattern 0 10M 300K
pattern 0 33M 64K
detach

note "a snapshot in it, and a change after that"
serve "${parameters[@]}"
qemu-img snapshot -c before "$uri"
stop "$server"
attach
qemu-io -f raw -c 'write -P 0xa5 40M 100k' -c flush "$stacked"
cp --sparse=always "$tmp/plain" "$tmp/before"
pattern 0xa5 40M 100K
qemu-img compare -f raw -F raw "$tmp/plain" "$stacked"
detach

note "by libgcrypt, without the plugin"
decrypted v 4096 >"$tmp/decrypted"
check -f qcow2 "$tmp/decrypted"
qemu-img compare -f raw -F qcow2 "$tmp/plain" "$tmp/decrypted"
qemu-img convert -l before -f qcow2 -O raw "$tmp/decrypted" "$tmp/copy"
same "$tmp/before" "$tmp/copy"
