#!/bin/bash
# On a file system that cannot make a single write durable, a write with FUA is followed by a flush, and
# fails when that does.
. "$(dirname -- "$0")/lib.sh"
. "$here/faults.sh"

make_luks2 v 1M --sector-size 512
plain v 512
serve_faulty v
nbd_shell -u "$uri" -c "fault, model_file = '$fault', '$tmp/model'" -c - <<'END'
import errno, nbd, os
model = bytearray(open(model_file, "rb").read())

def rules(*lines):
    with open(fault + ".new", "w") as file:
        file.write("\n".join(lines))
    os.rename(fault + ".new", fault)

def write(offset, length):
    data = os.urandom(length)
    model[offset : offset + length] = data
    h.pwrite(data, offset, nbd.CMD_FLAG_FUA)

for offset, length in (0, 4096), (10000, 100):
    rules("fua EOPNOTSUPP")
    write(offset, length)
    rules("fua EOPNOTSUPP", "sync EIO times=1")
    try:
        write(offset, length)
    except nbd.Error as error:
        assert error.errnum == errno.EIO, error
    else:
        raise SystemExit("acknowledged without a flush")
    write(offset, length)
open(model_file, "wb").write(model)
END
stop "$server"
grep -q '^write EOPNOTSUPP' "$fault.log" || fail "nothing was made to fail"
as_model v 512
