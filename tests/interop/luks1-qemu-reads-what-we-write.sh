#!/bin/bash
# A LUKS1 payload that was filled through the plugin opens in QEMU with the same secret: key
# derivation, key slots and sectors all agree with another implementation's.
. "$(dirname -- "$0")/lib.sh"
. "$here/qemu_luks.sh"

for cipher in "sha1 256" "sha256 512" "sha512 512"; do
  read -r hash bits <<<"$cipher"
  note "$hash, $bits bits"
  make_luks1 "$hash" 2M --hash "$hash" --key-size "$bits"
  noise 2M >"$tmp/plain"
  parameters "$hash"
  serve "${parameters[@]}"
  nbdcopy --flush "$tmp/plain" "$uri"
  stop "$server"
  join "$hash"
  qemu_read "$hash" >"$tmp/read"
  same "$tmp/plain" "$tmp/read"
done
