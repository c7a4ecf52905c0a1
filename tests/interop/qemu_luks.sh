# QEMU's LUKS1 driver as a judge. QEMU 7.2 wants header and payload in one image, so the header is
# joined with its payload, at the offset that a copy of the header is made to say.
# shellcheck shell=bash disable=SC2154  # tmp comes from lib.sh

joined_offset=$((4 * 1024 * 1024)) # behind any LUKS1 header, a multiple of 512

# join NAME: $tmp/NAME.joined from $tmp/NAME.header and $tmp/NAME.payload.
join() {
  local joined=$tmp/$1.joined sectors
  cp -- "$tmp/$1.header" "$joined"
  # payload-offset of a LUKS1 header: big-endian 32 bits at byte 104, in sectors of 512 bytes.
  printf -v sectors '%08x' $((joined_offset / 512))
  printf "\\x${sectors:0:2}\\x${sectors:2:2}\\x${sectors:4:2}\\x${sectors:6:2}" |
    dd of="$joined" bs=1 seek=104 conv=notrunc status=none
  truncate -s "$joined_offset" "$joined"
  cat -- "$tmp/$1.payload" >>"$joined"
}

# split_joined NAME: the payload back out of $tmp/NAME.joined.
split_joined() { tail -c "+$((joined_offset + 1))" "$tmp/$1.joined" >"$tmp/$1.payload"; }

# qemu_read NAME: the plain bytes of $tmp/NAME.joined on standard output.
qemu_read() {
  qemu-img convert --object "secret,id=s,file=$tmp/$1.secret" --image-opts -O raw \
    "driver=luks,key-secret=s,file.filename=$tmp/$1.joined" "$tmp/qemu.raw"
  cat "$tmp/qemu.raw"
}

# qemu_write NAME PLAIN: encrypts the file PLAIN into $tmp/NAME.joined.
qemu_write() {
  qemu-img convert --object "secret,id=s,file=$tmp/$1.secret" -n -f raw --target-image-opts "$2" \
    "driver=luks,key-secret=s,file.filename=$tmp/$1.joined"
}
