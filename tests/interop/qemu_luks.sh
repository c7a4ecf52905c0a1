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

# make_qemu_luks1 NAME SIZE OPTIONS: an image of QEMU's own in $tmp/NAME.joined, and a copy of its
# first part, up to the data, in $tmp/NAME.header. OPTIONS as qemu-img create -o takes them.
make_qemu_luks1() {
  local joined=$tmp/$1.joined offset
  (umask 077 && printf 'a secret of %s' "$1" >"$tmp/$1.secret") # else there is a warning
  LD_PRELOAD=$build/tests/tools/slow_thread_clock.so qemu-img create -q -f luks \
    --object "secret,id=s,file=$tmp/$1.secret" -o "key-secret=s,iter-time=10,$3" "$joined" "$2"
  offset=$((512 * 0x$(dd if="$joined" bs=1 skip=104 count=4 status=none | od -An -tx1 | tr -d ' ')))
  head -c "$offset" "$joined" >"$tmp/$1.header"
}

# agree_with_qemu NAME SIZE: what QEMU writes into the image of make_qemu_luks1 the plugin reads, and
# the other way round; the header area stays as it was.
agree_with_qemu() {
  noise "$2" >"$tmp/plain"
  qemu_write "$1" "$tmp/plain"
  serve "header=$tmp/$1.header" "payload=$tmp/$1.joined" "secret=$tmp/$1.secret"
  nbdcopy "$uri" "$tmp/read"
  same "$tmp/plain" "$tmp/read"
  noise "$2" >"$tmp/plain"
  nbdcopy --flush "$tmp/plain" "$uri"
  stop "$server"
  qemu_read "$1" >"$tmp/read"
  same "$tmp/plain" "$tmp/read"
  cmp -n "$(stat -c %s "$tmp/$1.header")" "$tmp/$1.header" "$tmp/$1.joined" ||
    fail "the header area was written"
}
