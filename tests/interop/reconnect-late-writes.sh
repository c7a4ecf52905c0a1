#!/bin/bash
# A payload's server may still carry out a write or a trim when the connection over which it came is
# lost. What is acknowledged afterwards for the same bytes is what stays.
. "$(dirname -- "$0")/lib.sh"
. "$here/faults.sh"
. "$here/hostile.sh"

make_luks2 v 1M --sector-size 512
plain v 512

# late COMMAND LIMIT SECONDS HOW: the server carries a write or trim out SECONDS after it came, and
# its answer is HOW; LIMIT is the reconnect-timeout. Whether the client's request succeeds, its next
# write must win.
late() {
  local command=$1 name=late$1$2$3$4
  shift
  note "$command: reconnect-timeout=$1, carried out after $2 seconds, reply: $3"
  hostile "$name" "$tmp/v.payload"
  serve "header=$tmp/v.header" "payload=$uri" "secret=$tmp/v.secret" \
    reconnect-timeout="$1" discard=true
  nbd_shell -u "$uri" -c "command, cues, model = '$command', '$tmp/$name', '$tmp/model'" \
    -c "how = '$3'; late = $2" -c - <<'PYTHON'
import errno, os, time, nbd
content = bytearray(open(model, "rb").read())

def request(data, offset):
    if command == "write":
        h.pwrite(data, offset)
    else:
        h.trim(len(data), offset)

# Writes of whole sectors, and of a part of one; only whole ones are trimmed.
for offset, length in [(8192, 4096), (20000, 700)] if command == "write" else [(8192, 4096)]:
    with open(cues + ".new", "w") as file:
        file.write(f"reply={how} on={command} times=1 late={late}")
    os.replace(cues + ".new", cues + ".cues")
    begin = time.monotonic()
    first, second = os.urandom(length), os.urandom(length)
    try:
        request(first, offset)
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
    print(f"{offset}+{length}: it {said} after {between:.1f} s, the later write after {took:.1f} s")
    assert found != first, "the write of the lost connection lies over one that was acknowledged"
    assert found == second, "what was acknowledged last is not there"
    content[offset : offset + length] = second
h.flush()
open(model, "wb").write(content)
PYTHON
  stop "$server"
  as_model v 512
}
late write 30 1.5 close
late write 1 1.5 close
late write 2 3.5 silent
late trim 30 1.5 close
late trim 1 1.5 close
