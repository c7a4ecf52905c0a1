#!/bin/bash
# TRIM where the payload's file cannot be discarded does nothing and is no error; where that fails the
# client is told, the log says where, and the next request works.
. "$(dirname -- "$0")/lib.sh"
. "$here/faults.sh"

make_luks2 v 1M --sector-size 4096
plain v 4096
serve_faulty v discard=true
nbd_shell -u "$uri" -c "fault, model_file = '$fault', '$tmp/model'" -c - <<'END'
import errno, nbd, os
model = open(model_file, "rb").read()

def storage(says):
    with open(fault + ".new", "w") as file:
        file.write(says)
    os.rename(fault + ".new", fault)

storage("zero EOPNOTSUPP")
h.trim(65536, 8192)
assert h.pread(len(model), 0) == model
storage("zero EIO times=1")
try:
    h.trim(65536, 8192)
except nbd.Error as error:
    assert error.errnum == errno.EIO, error
else:
    raise SystemExit("did not fail")
assert h.pread(len(model), 0) == model
storage("zero EINTR times=2")
h.trim(65536, 8192)
assert h.pread(65536, 8192) != model[8192:8192 + 65536], "nothing was freed"
h.pwrite(model[8192:8192 + 65536], 8192)
END
stop "$server"
matches "error: .*cannot discard 65536 bytes at 8192 of $tmp/v\.payload: input/output error" "$log"
[ "$(grep -c 'error: ' "$log")" = 1 ] || fail "not one line: $(cat "$log")"
as_model v 4096
