#!/bin/bash
# Zeroes read back as zeroes and lie encrypted on the storage. They cost as much as any write, so that
# who asks for fast ones is told at once that there are none. TRIM is not offered, and every block is
# data: anything else would show which sectors are in use.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 4M --sector-size 512
noise 4M >"$tmp/plain"
encrypted v 512 <"$tmp/plain" >"$tmp/v.payload"
parameters v
serve "${parameters[@]}"
nbdinfo --json "$uri" >"$tmp/info"
[ "$(jq '.exports[0].can_trim' "$tmp/info")" = false ] || fail "TRIM is offered"

nbd_shell -u "$uri" -c "base = '$tmp'" -c - <<'END'
import errno
import nbd
model = bytearray(open(base + "/plain", "rb").read())
for length, offset in ((1 << 20, 0), (1 << 20, (1 << 20) + 77), (1, 3000000), (512, 3 << 20), (5000, 3333333)):
    h.zero(length, offset)
    model[offset:offset + length] = bytes(length)
h.zero(65536, 3900000, nbd.CMD_FLAG_NO_HOLE | nbd.CMD_FLAG_FUA)
model[3900000:3900000 + 65536] = bytes(65536)
assert h.pread(len(model), 0) == model

def refused(request, *arguments, by):
    try:
        request(*arguments)
    except nbd.Error as error:
        assert error.errnum in by, error
    else:
        raise SystemExit("done, though it should be refused")
assert h.can_fast_zero()
for length, offset in ((4096, 0), (1 << 20, 2 << 20), (5, 12345), (4 << 20, 0)):
    for flags in 0, nbd.CMD_FLAG_NO_HOLE, nbd.CMD_FLAG_FUA:
        refused(h.zero, length, offset, nbd.CMD_FLAG_FAST_ZERO | flags, by=(errno.ENOTSUP, errno.EOPNOTSUPP))
h.set_strict_mode(0)  # libnbd would not send it
for length, offset in ((4096, 0), (1 << 20, 2 << 20), (5, 12345)):
    refused(h.trim, length, offset, by=(errno.EINVAL,))
assert h.pread(len(model), 0) == model
h.flush()
open(base + "/model", "wb").write(model)
END
nbdinfo --map --json "$uri" >"$tmp/map"
[ "$(jq '[.[].type] | unique == [0]' "$tmp/map")" = true ] || fail "not all data: $(cat "$tmp/map")"
stop "$server"

decrypted v 512 >"$tmp/decrypted"
same "$tmp/model" "$tmp/decrypted"
head -c 1M "$tmp/v.payload" >"$tmp/ciphertext"
[ "$(gzip -c "$tmp/ciphertext" | wc -c)" -gt 1000000 ] || fail "zeroes are visible on the storage"
[ "$(stat -c %b "$tmp/v.payload")" -ge 8192 ] || fail "holes in the storage"
