#!/bin/bash
# When the payload's file takes a write with FUA in parts, each of them is made durable.
. "$(dirname -- "$0")/lib.sh"
. "$here/faults.sh"

make_luks2 v 1M --sector-size 512
printf '%s\n' 'fua short times=1' 'fua EIO times=1' >"$fault"
serve_faulty v
nbd_shell -u "$uri" -c - <<'END'
import errno, nbd
data = b"x" * 8192
try:
    h.pwrite(data, 4096, nbd.CMD_FLAG_FUA)
except nbd.Error as error:
    assert error.errnum == errno.EIO, error
else:
    raise SystemExit("the second part was an ordinary write")
h.pwrite(data, 4096, nbd.CMD_FLAG_FUA)
assert h.pread(8192, 4096) == data
END
