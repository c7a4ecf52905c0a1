#!/bin/bash
# The oracle itself: libgcrypt's AES-XTS with the volume key that cryptsetup dumps decrypts what
# QEMU's LUKS driver wrote, and QEMU reads what it encrypts. Neither knows this project.
. "$(dirname -- "$0")/lib.sh"
. "$here/qemu_luks.sh"

for bits in 256 512; do
  make_luks1 v 1M --key-size "$bits"
  join v
  noise 1M >"$tmp/plain"
  qemu_write v "$tmp/plain"
  split_joined v
  decrypted v 512 >"$tmp/decrypted"
  same "$tmp/plain" "$tmp/decrypted"

  noise 1M >"$tmp/plain"
  encrypted v 512 <"$tmp/plain" >"$tmp/v.payload"
  join v
  qemu_read v >"$tmp/read"
  same "$tmp/plain" "$tmp/read"
  rm -f "$tmp"/v.*
done
