#!/bin/bash
# Reads, writes and zeroes of any offset and length over several connections at once, against a
# model; then what lies on the storage, by libgcrypt. A volume with each kind of sector.
. "$(dirname -- "$0")/lib.sh"

for size in 512 4096; do
  note "sectors of $size bytes"
  make_luks2 "s$size" 2M --sector-size "$size"
  noise 2M >"$tmp/plain"
  encrypted "s$size" "$size" <"$tmp/plain" >"$tmp/s$size.payload"
  parameters "s$size"
  serve "${parameters[@]}"
  /usr/bin/python3 "$here/random_operations.py" --plain "$tmp/plain" "$uri" "$tmp/model"
  stop "$server"
  decrypted "s$size" "$size" >"$tmp/decrypted"
  same "$tmp/model" "$tmp/decrypted"
done
