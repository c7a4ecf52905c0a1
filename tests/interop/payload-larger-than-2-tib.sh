#!/bin/bash
# A payload of more than 2^32 sectors, 2 TiB with a little more, of which nothing but what is written
# takes room: tweaks do not wrap around with plain64, and do with plain, as in the kernel.
. "$(dirname -- "$0")/lib.sh"

tib2=$((2 << 40))
size=$((tib2 + 1048576 + 512))
for volume in 'plain64 512' 'plain64 4096' 'plain 512'; do
  read -r iv sector <<<"$volume"
  note "aes-xts-$iv, sectors of $sector bytes"
  make_luks2 "$iv$sector" 1M --sector-size "$sector" --cipher "aes-xts-$iv"
  : >"$tmp/$iv$sector.payload"
  truncate -s "$size" "$tmp/$iv$sector.payload"
  parameters "$iv$sector"
  serve "${parameters[@]}"
  served=$((size / sector * sector))
  [ "$(nbdinfo --size "$uri")" = "$served" ] || fail "size $(nbdinfo --size "$uri")"

  # At both ends and around 2^31 and 2^32 units of 512 bytes, where signs and sums may go wrong.
  places=(777 $((tib2 / 2 - 5000)) $((tib2 - 15000)) $((tib2 + 7777)) $((served - 10000)))
  nbd_shell -u "$uri" -c "base, places = '$tmp', '${places[*]}'" -c - <<'END'
import os
places = {int(at): os.urandom(10000) for at in places.split()}
for at, data in places.items():
    h.pwrite(data, at)
h.zero(8192, (2 << 40) - 4096)
# None lies where a shorter number would have led another one.
for at, data in places.items():
    assert h.pread(10000, at) == data, at
    open(f"{base}/at{at}", "wb").write(data)
assert h.pread(8192, (2 << 40) - 4096) == bytes(8192)
END
  stop "$server"

  volume_key "$iv$sector"
  plain() { # OFFSET COUNT FILE: the plain bytes, by libgcrypt, of sectors on one side of 2 TiB
    local first=$(($1 / sector * sector)) last=$((($1 + $2 + sector - 1) / sector * sector))
    local tweak=$((first / 512))
    [ "$iv" = plain64 ] || tweak=$((tweak % (1 << 32)))
    dd if="$tmp/$iv$sector.payload" bs="$sector" skip="$first" count=$((last - first)) \
      iflag=skip_bytes,count_bytes status=none |
      "$build/tests/tools/sector_xts" decrypt "$tmp/$iv$sector.key" "$sector" "$tweak" >"$tmp/sectors"
    dd if="$tmp/sectors" of="$3" bs="$2" skip=$(($1 - first)) iflag=skip_bytes count=1 status=none
  }
  for at in "${places[@]}"; do
    plain "$at" 10000 "$tmp/found"
    same "$tmp/at$at" "$tmp/found"
  done
  truncate -s 4096 "$tmp/zero"
  for at in $((tib2 - 4096)) $tib2; do
    plain "$at" 4096 "$tmp/found"
    same "$tmp/zero" "$tmp/found"
  done
  [ "$(stat -c %b "$tmp/$iv$sector.payload")" -lt 2048 ] || fail "more was written than was asked for"
done
