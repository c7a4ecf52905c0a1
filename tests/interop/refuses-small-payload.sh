#!/bin/bash
# A payload without a whole sector after its offset.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 4M --sector-size 4096 --offset 4096
make_luks1 one 64K
too_small='payload.*(small|short|empty|end|beyond|no whole|at least)'
watch "$tmp/small"
for size in 0 1 4096 2097152 2101247; do
  truncate -s "$size" "$tmp/small"
  refused "$too_small" "header=$tmp/v.header" "payload=$tmp/small" "secret=$tmp/v.secret"
done
for size in 0 511; do
  truncate -s "$size" "$tmp/small"
  refused "$too_small" "header=$tmp/one.header" "payload=$tmp/small" "secret=$tmp/one.secret"
done

note "one sector is enough; what is left over is said and not served"
truncate -s $((2097152 + 4096 + 100)) "$tmp/small"
serve "header=$tmp/v.header" "payload=$tmp/small" "secret=$tmp/v.secret"
[ "$(nbdinfo --size "$uri")" = 4096 ] || fail "size $(nbdinfo --size "$uri")"
matches 'warning.*100' "$log"
