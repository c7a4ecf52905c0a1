#!/bin/bash
# Clients that come by the hundred and say nothing leave the service the descriptors that it needs for
# itself: it is asked how it is, follows its config, and its log is not flooded. When they have gone it
# serves others.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

make_luks2 vm1 256K
make_luks2 vm2 256K
export_table vm1 vm1 | service_config "metrics = \"unix:$tmp/metrics.sock\""
ulimit -n 256
start_service
settled

/usr/bin/python3 - "$socket" >"$tmp/crowd.log" 2>&1 <<'END' &
import socket, sys, time
crowd = []
for n in range(220):
    client = socket.socket(socket.AF_UNIX)
    client.connect(sys.argv[1])
    crowd.append(client)
    # Those that come at the same moment nbdkit accepts before it asks about any of them; each has two more
    # descriptors where a connection has several threads, as by default since 1.34.
    time.sleep(0.01)
print("here", flush=True)
time.sleep(120)
END
crowd=$!
defer stop_quietly "$crowd"
eventually grep -q here "$tmp/crowd.log"
sleep 2

exits 0 "$program" healthcheck "$config" --ready vm1
{ export_table vm1 vm1 && export_table vm2 vm2; } | service_config "metrics = \"unix:$tmp/metrics.sock\""
exits 0 "$program" reload "$config"
settled
[ "$(state vm2)" = open ] || fail "vm2: $(reason vm2)"
/usr/bin/python3 "$here/metrics.py" "unix:$tmp/metrics.sock" process_open_fds >/dev/null
matches 'event=refusal .*reason="there are no file descriptors for more clients"' "$log"
[ "$(stat -c %s "$log")" -lt 100000 ] || fail "the log has $(stat -c %s "$log") bytes"
if grep -q 'Too many open files' "$log"; then fail "nbdkit had no descriptor"; fi

stop_quietly "$crowd" || true
eventually nbdinfo --size "$(uri_of vm1)"
ends_within_a_second
