#!/bin/bash
# A payload's server may still carry out a write when the connection over which it came is lost. What
# is acknowledged afterwards for the same bytes is what stays.
. "$(dirname -- "$0")/lib.sh"
. "$here/faults.sh"
. "$here/hostile.sh"

make_luks2 v 1M --sector-size 512
plain v 512

# late LIMIT SECONDS HOW: the server carries a write out SECONDS after it came, and its answer is HOW;
# LIMIT is the reconnect-timeout. Whether the client's write succeeds, its next one must win.
late() {
  note "reconnect-timeout=$1, carried out after $2 seconds, reply: $3"
  local name=late$1$2$3
  hostile "$name" "$tmp/v.payload"
  serve "header=$tmp/v.header" "payload=$uri" "secret=$tmp/v.secret" reconnect-timeout="$1"
  # Requests that are whole sectors, and one that is not.
  nbd_shell -u "$uri" -c "cues = '$tmp/$name'; how = '$3'; late = $2; model = '$tmp/model'" -c - <<'PYTHON'
import errno, os, time, nbd
content = bytearray(open(model, "rb").read())
for offset, length in (8192, 4096), (20000, 700):
    with open(cues + ".new", "w") as file:
        file.write(f"reply={how} on=write times=1 late={late}")
    os.replace(cues + ".new", cues + ".cues")
    begin = time.monotonic()
    first, second = os.urandom(length), os.urandom(length)
    try:
        h.pwrite(first, offset)
        said = "succeeded"
    except nbd.Error as error:
        assert error.errnum == errno.EIO, error
        said = "failed"
    between = time.monotonic() - begin
    while True:
        try:
            h.pwrite(second, offset)
            break
        except nbd.Error as error:
            assert time.monotonic() - begin < 15, error
            time.sleep(0.02)
    took = time.monotonic() - begin
    time.sleep(max(0, late + 0.5 - took))
    found = h.pread(length, offset)
    print(f"{offset}+{length}: the first write {said} after {between:.1f} s, the second one after {took:.1f} s")
    assert found != first, "the write of the lost connection lies over a later one that was acknowledged"
    assert found == second, "neither write is there"
    content[offset : offset + length] = second
h.flush()
open(model, "wb").write(content)
PYTHON
  stop "$server"
  as_model v 512
}
late 30 1.5 close
late 1 1.5 close
late 2 3.5 silent
