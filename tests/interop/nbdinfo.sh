#!/bin/bash
# What nbdinfo says of an export: its size, what it can do, its block sizes, that everything in it is
# data, and that it is the only one of its server.
. "$(dirname -- "$0")/lib.sh"

for size in 512 4096; do
  make_luks2 "s$size" 3M --sector-size "$size"
  truncate -s 3147264 "$tmp/s$size.payload"
  parameters "s$size"
  serve "${parameters[@]}"
  bytes=$((3147264 / size * size))
  note "$bytes bytes in sectors of $size"

  [ "$(nbdinfo --size "$uri")" = $bytes ] || fail "--size"
  nbdinfo --json "$uri" | tee "$tmp/info"
  jq -e --argjson bytes $bytes '.protocol == "newstyle-fixed" and .TLS == false and .structured
    and (.exports | length == 1) and (.exports[0] | ."export-size" == $bytes and .is_read_only == false and .is_rotational == false
    and .can_flush and .can_fua and .can_multi_conn and .can_zero and .can_fast_zero and .can_df
    and .can_trim == false
    and .block_size_minimum == 1 and .block_size_preferred == 4096 and .block_size_maximum == 67108864
    and .contexts == ["base:allocation"])' "$tmp/info" >/dev/null || fail "not all as it should be"
  for can in connect read write flush fua multi-conn zero fast-zero df structured; do
    nbdinfo --can "$can" "$uri" || fail "--can $can"
  done
  for is in read-only tls; do
    if nbdinfo --is "$is" "$uri"; then fail "--is $is"; fi
  done
  if nbdinfo --can trim "$uri"; then fail "--can trim"; fi

  nbdinfo --map --json "$uri" >"$tmp/map"
  jq -e --argjson bytes $bytes '(map(.length) | add) == $bytes and all(.type == 0)' "$tmp/map" >/dev/null ||
    fail "not all data: $(cat "$tmp/map")"
  nbdinfo --list --json "$uri" >"$tmp/list"
  jq -e '[.exports[]."export-name"] == [""]' "$tmp/list" >/dev/null || fail "the list: $(cat "$tmp/list")"
done

note "a file system in it is recognised"
truncate -s 3M "$tmp/plain"
mkfs.ext4 -q -F "$tmp/plain"
truncate -s 3M "$tmp/s4096.payload"
encrypted s4096 4096 <"$tmp/plain" >"$tmp/s4096.payload"
nbdinfo "$uri" >"$tmp/info"
matches 'content:.*ext4 filesystem' "$tmp/info"
