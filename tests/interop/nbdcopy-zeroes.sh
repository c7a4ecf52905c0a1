#!/bin/bash
# Holes of a source become encrypted zeroes over old data, whichever way nbdcopy is told to write
# them; told that the destination is zero already, it writes only the data.
. "$(dirname -- "$0")/lib.sh"

# Data, hole, data that ends inside a sector, hole to an odd end.
truncate -s 3145805 "$tmp/sparse"
noise 300000 | dd of="$tmp/sparse" conv=notrunc status=none
noise 100001 | dd of="$tmp/sparse" bs=1M seek=1 conv=notrunc status=none
make_luks2 v 4M --sector-size 4096
parameters v

wanted() { # the sparse file, then what was behind it
  cat "$tmp/sparse"
  tail -c +3145806 "$tmp/old"
}
for options in --flush --allocated --sparse=0 '--connections=4 --request-size=8192'; do
  note "$options"
  noise 4M >"$tmp/old"
  encrypted v 4096 <"$tmp/old" >"$tmp/v.payload"
  serve "${parameters[@]}"
  # shellcheck disable=SC2086  # several options
  nbdcopy $options "$tmp/sparse" "$uri"
  stop "$server"
  wanted >"$tmp/wanted"
  decrypted v 4096 >"$tmp/decrypted"
  same "$tmp/wanted" "$tmp/decrypted"
  [ "$(gzip -c "$tmp/v.payload" | wc -c)" -gt 4000000 ] || fail "zeroes are visible on the storage"
done

note "--destination-is-zero"
truncate -s 4M "$tmp/zero"
encrypted v 4096 <"$tmp/zero" >"$tmp/v.payload"
serve --filter=log "${parameters[@]}" logfile="$tmp/requests"
nbdcopy --destination-is-zero --flush "$tmp/sparse" "$uri"
stop "$server"
if grep -q ' Zero ' "$tmp/requests"; then fail "zeroes were sent: $(grep ' Zero ' "$tmp/requests")"; fi
cp "$tmp/zero" "$tmp/old"
wanted >"$tmp/wanted"
decrypted v 4096 >"$tmp/decrypted"
same "$tmp/wanted" "$tmp/decrypted"
