#!/bin/bash
# secret=token: with a tang server that takes connections and says nothing: after a minute unlocking
# fails, with a line that says so, and nothing waits for the server any longer.
. "$(dirname -- "$0")/lib.sh"
. "$here/tang.sh"

start_tang one
make_luks2 v 256K
bind v tang "$(url one)"
stop_quietly "$tang_server" || true

/usr/bin/python3 - "${port[one]}" "$tmp/connections" <<'PYTHON' &
import socket, sys
def say(what):
    with open(sys.argv[2], "a") as file:
        print(what, file=file)
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
say("listens")
while True:
    client, _ = listener.accept()
    say("connected")
    try:
        while client.recv(4096):
            pass
    except OSError:
        pass
    say("gone")
PYTHON
defer stop_quietly $!
eventually grep -q listens "$tmp/connections"

begin=$SECONDS status=0
timeout 100 "${nbdkit_under_test[@]}" -f -U "$tmp/never.sock" "$plugin" "header=$tmp/v.header" \
  "payload=$tmp/v.payload" secret=token: >"$tmp/said" 2>&1 </dev/null || status=$?
took=$((SECONDS - begin))
note "after $took s: $(cat "$tmp/said")"
[ "$status" = 1 ] || fail "status $status"
[ "$(wc -l <"$tmp/said")" = 1 ] || fail "not one line"
matches 'token 0 \(clevis\): .*clevis.* did not end within 60 seconds and was killed' "$tmp/said"
[ "$took" -ge 55 ] && [ "$took" -le 75 ] || fail "it took $took s"
eventually grep -q gone "$tmp/connections"
[ "$(grep -c connected "$tmp/connections")" = "$(grep -c gone "$tmp/connections")" ] ||
  fail "who asks the server is still there"
