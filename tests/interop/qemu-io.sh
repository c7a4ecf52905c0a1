#!/bin/bash
# qemu-io on the export: patterns written and read back, in any alignment, with FUA, as zeroes and
# asynchronously; what lies on the storage is what was written.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 2M --sector-size 4096
noise 2M >"$tmp/plain"
encrypted v 4096 <"$tmp/plain" >"$tmp/v.payload"
parameters v
serve "${parameters[@]}"

pattern() { # HEX OFFSET LENGTH: in the file that is to be
  head -c "$3" /dev/zero | tr '\0' "$(printf '\\%o' "$1")" |
    dd of="$tmp/plain" bs=64K seek="$2" oflag=seek_bytes conv=notrunc status=none
}
# qemu_io COMMAND…: all must succeed. It says what went wrong, but does not always exit with it.
qemu_io() {
  local command arguments=()
  for command; do arguments+=(-c "$command"); done
  qemu-io -f raw "${arguments[@]}" "$uri" >"$tmp/said" 2>&1 || fail "qemu-io: $(cat "$tmp/said")"
  cat "$tmp/said"
  if grep -Eiq 'fail|error' "$tmp/said"; then fail "qemu-io: $(cat "$tmp/said")"; fi
}

qemu_io 'write -P 0x11 0 64k' 'read -P 0x11 0 64k' \
  'write -P 0x22 4000 200' 'read -P 0x22 4000 200' 'read -P 0x11 0 4000' 'read -P 0x11 4200 61336' \
  'write -f -P 0x33 100001 70001' 'read -P 0x33 100001 70001' \
  'write -z 262144 65536' 'read -P 0 262144 65536' \
  'write -z -f 400001 10001' 'read -P 0 400001 10001' \
  'write -P 0x44 2097151 1' 'read -P 0x44 2097151 1' flush
pattern 0x11 0 65536
pattern 0x22 4000 200
pattern 0x33 100001 70001
pattern 0 262144 65536
pattern 0 400001 10001
pattern 0x44 2097151 1

note "asynchronously, and in several buffers"
qemu_io 'aio_write -P 0x55 512k 100k' 'aio_write -P 0x66 700001 9999' 'aio_write -f -P 0x77 800k 64k' \
  'aio_write -z 900001 50000' aio_flush \
  'aio_read -P 0x55 512k 100k' 'aio_read -P 0x66 700001 9999' 'aio_read -P 0x77 800k 64k' \
  'aio_read -P 0 900001 50000' aio_flush \
  'writev -P 0x88 1048577 512 1000 4096 3' 'readv -P 0x88 1048577 5611' flush
pattern 0x55 524288 102400
pattern 0x66 700001 9999
pattern 0x77 819200 65536
pattern 0 900001 50000
pattern 0x88 1048577 5611

note "beyond the end"
expect_failure qemu-io -f raw -c 'write -P 0x99 2097151 2' "$uri"
stop "$server"
decrypted v 4096 >"$tmp/decrypted"
same "$tmp/plain" "$tmp/decrypted"
