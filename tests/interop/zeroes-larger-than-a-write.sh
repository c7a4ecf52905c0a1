#!/bin/bash
# Zeroes in one request that is larger than any write could be, between odd places: they are all
# there and encrypted, and what is beside them stays as it was.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 1M --sector-size 4096
truncate -s 150M "$tmp/v.payload"
parameters v
serve "${parameters[@]}"
nbd_shell -u "$uri" -c "base = '$tmp'" -c - <<'END'
import nbd
FROM, TO = 4097, (140 << 20) + 5
before, after = h.pread(FROM, 0), h.pread((150 << 20) - TO, TO)
assert any(before) and any(after)
h.zero(TO - FROM, FROM, nbd.CMD_FLAG_FUA)
assert h.pread(FROM, 0) == before and h.pread(len(after), TO) == after
for offset in FROM, 50 << 20, 100 << 20, TO - (1 << 20):
    assert h.pread(1 << 20, offset) == bytes(1 << 20), offset
open(base + "/after", "wb").write(after)
open(base + "/before", "wb").write(before)
END
stop "$server"
{
  cat "$tmp/before"
  head -c $(((140 << 20) + 5 - 4097)) /dev/zero
  cat "$tmp/after"
} >"$tmp/wanted"
decrypted v 4096 | cmp - "$tmp/wanted" || fail "not what was written"
head -c 4M "$tmp/v.payload" >"$tmp/ciphertext"
[ "$(gzip -c "$tmp/ciphertext" | wc -c)" -gt 4000000 ] || fail "zeroes are visible on the storage"
