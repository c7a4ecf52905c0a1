#!/bin/bash
# Storage tells of a failed sync once. A client behind an SSH server must hear of it, however old the
# session is: a flush that was tried again over a new one would succeed, and the data be lost.
. "$(dirname -- "$0")/lib.sh"
. "$here/tls.sh"
. "$here/servers.sh"
. "$here/faults.sh"

make_luks2 v 1M --sector-size 4096
faulty_file=$tmp/v.payload
ssh_server
serve "header=$tmp/v.header" "payload=ssh://$ssh$tmp/v.payload?$ssh_keys" "secret=$tmp/v.secret"
nbd_shell -u "$uri" -c "rules = '$fault'" -c - <<'END'
import errno, os, time

def fail_next_sync():
    with open(rules + ".new", "w") as file:
        file.write("sync EIO times=1")
    os.replace(rules + ".new", rules)

def fails(what, request):
    fail_next_sync()
    try:
        request()
    except nbd.Error as error:
        assert error.errnum == errno.EIO, error
        return
    raise AssertionError(what + " succeeds, though the server could not sync")

h.pread(4096, 0)
for age in 0, 3:  # seconds; a session that is not new may be a dead one
    time.sleep(age)
    h.pwrite(b"x" * 8192, 0)
    fails(f"a flush after {age} s", h.flush)
    h.flush()
    time.sleep(age)
    fails(f"a durable write after {age} s", lambda: h.pwrite(b"y" * 4096, 65536, nbd.CMD_FLAG_FUA))
    h.pwrite(b"y" * 4096, 65536, nbd.CMD_FLAG_FUA)
END
[ "$(grep -c 'sync EIO' "$fault.log")" = 4 ] || fail "$(cat "$fault.log")"
