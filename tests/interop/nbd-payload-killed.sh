#!/bin/bash
# When the server that holds the payload dies, clients get an input/output error, and the plugin's
# process goes on.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 1M --sector-size 512
serve_plain file "$tmp/v.payload"
payload_server=$server
serve "header=$tmp/v.header" "payload=$uri" "secret=$tmp/v.secret"

nbd_shell -u "$uri" -c "payload_server = $payload_server; uri = '$uri'" -c - <<'END'
import errno, nbd, os, signal
h.pwrite(b"x" * 4096, 0)
os.kill(payload_server, signal.SIGKILL)

def fails(what, request):
    try:
        request()
    except nbd.Error as error:
        assert error.errnum == errno.EIO, f"{what}: {error}"
    else:
        raise SystemExit(f"{what} succeeded without a payload")

for _ in range(3):
    fails("read", lambda: h.pread(4096, 0))
    fails("part of a sector", lambda: h.pwrite(b"y" * 10, 700))
    fails("whole sectors", lambda: h.pwrite(b"y" * 4096, 4096))
    fails("flush", h.flush)
h.shutdown()
# A new client is either refused or gets the same errors.
second = nbd.NBD()
try:
    second.connect_uri(uri)
except nbd.Error:
    pass
else:
    fails("read of a new client", lambda: second.pread(4096, 0))
END
kill -0 "$server" || fail "the plugin's nbdkit ended"
matches 'the connection was lost.*until the volume is opened anew' "$log"
[ "$(grep -c 'the connection was lost' "$log")" -le 2 ] || fail "one line for each request: $(cat "$log")"
stop "$server"
unset "running[$payload_server]" # by our own kill
