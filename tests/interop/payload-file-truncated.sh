#!/bin/bash
# A payload file that becomes shorter while it is served: what it lost fails with an input/output error,
# for writes too, which do not make the file grow again; the rest works.
. "$(dirname -- "$0")/lib.sh"
. "$here/faults.sh"

make_luks2 v 2M --sector-size 512
plain v 512
parameters v
serve "${parameters[@]}"
nbd_shell -u "$uri" -c "payload, model_file = '$tmp/v.payload', '$tmp/model'" -c - <<'END'
import errno, nbd, os
LEFT = 1 << 20
model = bytearray(open(model_file, "rb").read())
assert h.pread(4096, LEFT) == model[LEFT : LEFT + 4096]
os.truncate(payload, LEFT)

def fails(what, request):
    try:
        request()
    except nbd.Error as error:
        assert error.errnum == errno.EIO, f"{what}: {error}"
    else:
        raise SystemExit(f"{what}: done")
    assert os.stat(payload).st_size == LEFT, f"{what}: the file has {os.stat(payload).st_size} bytes"

for offset in LEFT, LEFT + 100, 2 * LEFT - 4096:
    fails("read", lambda: h.pread(4000, offset))
    for flags in 0, nbd.CMD_FLAG_FUA:
        fails("write of whole sectors", lambda: h.pwrite(b"x" * 4096, offset // 512 * 512, flags))
        fails("write of parts of sectors", lambda: h.pwrite(b"x" * 700, offset, flags))
        fails("write of many", lambda: h.pwrite(b"x" * (2 * LEFT - offset), offset, flags))
        fails("zeroes", lambda: h.zero(4096, offset // 512 * 512, flags))
# Both sides of the end. The part that is left may have been written.
fails("read at the end", lambda: h.pread(8192, LEFT - 4096))
fails("write at the end", lambda: h.pwrite(b"x" * 8192, LEFT - 4096))
fails("zeroes at the end", lambda: h.zero(8192, LEFT - 4096))

for offset, data in (0, b"y" * 4096), (LEFT - 5000, b"z" * 100), (LEFT - 4096, b"a" * 4096):
    h.pwrite(data, offset, nbd.CMD_FLAG_FUA)
    model[offset : offset + len(data)] = data
h.flush()
assert h.pread(LEFT, 0) == model[:LEFT]
open(model_file, "wb").write(model[:LEFT])
END
stop "$server"
matches "error: .*$tmp/v.payload: it has become shorter" "$log"
as_model v 512
