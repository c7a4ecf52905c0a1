#!/bin/bash
# Storage tells of lost bytes once. A flush of another connection that comes while the answer to the
# failed one is still on its way must not be told that its bytes are safe.
. "$(dirname -- "$0")/lib.sh"
. "$here/faults.sh"

make_luks2 v 1M --sector-size 512
for sync in flush fua; do
  note "$sync"
  # The storage has failed when the log has the line; the caller, who could be any thread that lost
  # its turn, learns of it later.
  printf '%s\n' 'sync EIO times=1 late=500' 'fua EIO times=1 late=500' >"$fault"
  rm -f "$fault.log"
  serve_faulty v
  nbd_shell -u "$uri" -c "fault, uri, sync = '$fault', '$uri', '$sync'" -c - <<'END'
import errno, nbd, os, threading, time
other = nbd.NBD()
other.connect_uri(uri)
other.pwrite(b"x" * 4096, 0)

def ask(client):
    try:
        if sync == "flush":
            client.flush()
        else:
            client.pwrite(b"y" * 512, 8192, nbd.CMD_FLAG_FUA)
    except nbd.Error as error:
        assert error.errnum == errno.EIO, error
        return "failed"
    return "done"

first = []
thread = threading.Thread(target=lambda: first.append(ask(h)))
thread.start()
for _ in range(3000):
    if os.path.exists(fault + ".log"):
        break
    time.sleep(0.005)
answer = ask(other)
thread.join()
assert first == ["failed"], first
assert answer == "failed", "the other connection's bytes were called safe after they were lost"
END
  stop "$server"
done
