#!/bin/bash
# A service manager hears that the service is ready, how its exports are, that it reads its config again
# and has done so, and that it ends. What the service runs does not get the manager's socket.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

# The manager: a line for each message, its lines joined by spaces.
heard=$tmp/heard
/usr/bin/python3 - "$tmp/notify.sock" "$heard" <<'END' &
import os, socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
listener.bind(sys.argv[1])
with open(sys.argv[2], "a", buffering=1) as heard:
    while True:
        heard.write(listener.recv(4096).decode().replace("\n", " ") + "\n")
END
defer stop_quietly $!
eventually test -S "$tmp/notify.sock"
hears() { eventually grep -Eqx -- "$1" "$heard"; }
forget() { : >"$heard"; }

make_luks2 vm1 256K
make_luks2 vm2 256K
mkfifo "$tmp/fifo"
cat >"$tmp/ask" <<END
#!/bin/sh
echo "for the program: \${NOTIFY_SOCKET-none}" >"$tmp/environment"
cat "$tmp/vm1.secret" "$tmp/fifo"
END
chmod +x "$tmp/ask"
exports() {
  export_table vm1 vm1 "secret = \"exec:$tmp/ask\""
  export_table vm2 vm2 "payload = \"$tmp/none\""
}
exports | service_config

export NOTIFY_SOCKET=$tmp/notify.sock
note "ready as soon as clients can come, whatever the exports do"
start_service
unset NOTIFY_SOCKET
hears "READY=1 MAINPID=$server STATUS=2 exports: 2 waiting"

note "how the exports are"
: >"$tmp/fifo"
hears 'STATUS=2 exports: 1 open, 1 waiting'
hears 'STATUS=2 exports: 1 open, 1 failed'
[ "$(cat "$tmp/environment")" = 'for the program: none' ] || fail "$(cat "$tmp/environment")"

note "a reload"
forget
export_table vm2 vm2 | service_config
exits 0 "$program" reload "$config"
hears 'RELOADING=1 MONOTONIC_USEC=[0-9]+ STATUS=.*'
hears "READY=1 MAINPID=$server STATUS=1 export: 1 (waiting|open)"
hears '.*STATUS=1 export: 1 open'
[ "$(sed -n '1s/=.*//p' "$heard")" = RELOADING ] || fail "$(cat "$heard")"
when=$(sed -n 's/.*MONOTONIC_USEC=\([0-9]*\).*/\1/p' "$heard")
now=$(/usr/bin/python3 -c 'import time; print(time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000)')
[ "$when" -le "$now" ] && [ "$when" -gt $((now - 60000000)) ] || fail "$when, now $now"

note "one that changes nothing ends, too"
forget
good=$(cat "$config")
echo nonsense >>"$config"
kill -HUP "$server"
hears 'RELOADING=1 .*'
hears "READY=1 MAINPID=$server STATUS=1 export: 1 open"
printf '%s\n' "$good" >"$config"

note "the end, while a client is there"
mkfifo "$tmp/client"
nbd_shell -u "$(uri_of vm2)" -c "open('$tmp/client').read()" &
client=$!
clients() { [ "$("$program" status --json "$config" | jq '.exports[0].clients')" = 1 ]; }
eventually clients
forget
ends_within_a_second
hears 'STOPPING=1 STATUS=ending'
[ "$(grep -c . "$heard")" = 1 ] || fail "$(cat "$heard")"
: >"$tmp/client"
wait $client

note "without a manager, and with one that has gone"
start_service
settled
ends_within_a_second
NOTIFY_SOCKET=$tmp/gone.sock start_service
settled
ends_within_a_second
