#!/bin/bash
# A client of an export that was removed is told so when it asks for something (ESHUTDOWN). If it goes on,
# its connection is closed where nbdkit can do that (1.34); with an older one it is told again and again.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

make_luks2 stays 256K
make_luks2 goes 256K
{ export_table stays stays && export_table goes goes; } | service_config
start_service
settled
minor=$(nbdkit --version | sed -E 's/^nbdkit 1\.([0-9]+)\..*/\1/')

nbd_shell -u "$(uri_of goes)" -c "ready, removed, minor = '$tmp/ready', '$tmp/removed', $minor" -c - <<'END' >"$tmp/client" 2>&1 &
import errno, os, time
h.pread(4096, 0)
open(ready, "w").close()
while not os.path.exists(removed):
    time.sleep(0.05)
def refusal():
    try:
        h.pread(4096, 0)
    except nbd.Error as error:
        return error.errnum
    raise SystemExit("it is served")
assert refusal() == errno.ESHUTDOWN
if minor < 34:
    assert refusal() == errno.ESHUTDOWN
else:
    assert refusal() != errno.ESHUTDOWN
    assert h.aio_is_closed() or h.aio_is_dead(), h.connection_state()
print("good")
END
client=$!
defer stop_quietly $client
eventually test -e "$tmp/ready"
export_table stays stays | service_config
exits 0 "$program" reload "$config"
touch "$tmp/removed"
wait $client || fail "the client: $(cat "$tmp/client")"
[ "$(cat "$tmp/client")" = good ] || fail "the client: $(cat "$tmp/client")"
exits 0 nbdinfo --size "$(uri_of stays)"
ends_within_a_second
