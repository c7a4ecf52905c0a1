#!/bin/bash
# nbdcopy over several connections at once, each for pieces of 128 MiB: everything arrives,
# and what it does not copy is not touched.
. "$(dirname -- "$0")/lib.sh"

pieces=(0 128 256 384) # MiB
chunk=1000001
truncate -s 385M "$tmp/sparse"
for at in "${pieces[@]}"; do
  noise $chunk >"$tmp/data$at"
  dd if="$tmp/data$at" of="$tmp/sparse" bs=1M seek="$at" conv=notrunc status=none
done
make_luks2 v 1M --sector-size 512
truncate -s 0 "$tmp/v.payload"
truncate -s 385M "$tmp/v.payload"
parameters v
# Each write takes so long that no connection gets through all pieces before another begins.
serve --filter=log --filter=delay "${parameters[@]}" logfile="$tmp/requests" wdelay=200ms
nbdcopy --destination-is-zero --connections=4 --threads=4 --requests=4 --flush "$tmp/sparse" "$uri"
stop "$server"

used=$(sed -n 's/.* connection=\([0-9]*\) Write .*/\1/p' "$tmp/requests" | sort -u | wc -l)
[ "$used" -ge 2 ] || fail "writes went over a single connection"
volume_key v
for at in "${pieces[@]}"; do
  dd if="$tmp/v.payload" bs=1M skip="$at" count=1 status=none |
    "$build/tests/tools/sector_xts" decrypt "$tmp/v.key" 512 $((at * 2048)) >"$tmp/decrypted"
  truncate -s $chunk "$tmp/decrypted"
  same "$tmp/data$at" "$tmp/decrypted"
done
[ "$(stat -c %b "$tmp/v.payload")" -lt 16384 ] || fail "more was written than was copied"
