#!/bin/bash
# A payload's server that stays away longer than reconnect-timeout: requests fail with an input/output
# error then, further ones at once; a little after it is back all is as before, for the same clients.
. "$(dirname -- "$0")/lib.sh"
. "$here/reconnect.sh"

make_luks2 v 1M --sector-size 512
for kind in unix tcp qemu one-connection; do
  note "$kind"
  payload_server $kind
  comes
  serve "header=$tmp/v.header" "payload=$payload_uri" "secret=$tmp/v.secret" reconnect-timeout=3
  mkfifo "$tmp/$kind.back"
  nbd_shell -u "$uri" -c "payload_server = $payload_server; uri = '$uri'; base = '$tmp/$kind'" -c - <<'PYTHON' &
import errno, nbd, os, select, signal, threading, time

REQUESTS = {
    "read": lambda h: h.pread(4096, 0),
    "part of a sector": lambda h: h.pwrite(b"y" * 10, 700),
    "whole sectors": lambda h: h.pwrite(b"y" * 4096, 4096),
    "zeroes": lambda h: h.zero(4096, 8192),
    "flush": lambda h: h.flush(),
}

def fails(what, client, earliest, latest):
    begin = time.monotonic()
    try:
        REQUESTS[what](client)
    except nbd.Error as error:
        assert error.errnum == errno.EIO, f"{what}: {error}"
    else:
        failures.append(f"{what} succeeded without a payload")
    took = time.monotonic() - begin
    if not earliest <= took <= latest:
        failures.append(f"{what} failed after {took:.1f} s")

failures = []
clients = {what: nbd.NBD() for what in REQUESTS}
for client in clients.values():
    client.connect_uri(uri)
h.pwrite(b"x" * 4096, 0)
gone = os.pidfd_open(payload_server)
os.kill(payload_server, signal.SIGKILL)
select.select([gone], [], [])
# All wait, at once.
waiting = [threading.Thread(target=fails, args=(what, clients[what], 1.5, 6)) for what in REQUESTS]
for thread in waiting:
    thread.start()
for thread in waiting:
    thread.join()
for _ in range(10):
    for what, client in clients.items():
        fails(what, client, 0, 0.5)
# A new client is refused or gets the same errors, soon.
begin = time.monotonic()
second = nbd.NBD()
try:
    second.connect_uri(uri)
except nbd.Error:
    pass
else:
    fails("read", second, 0, 0.5)
assert time.monotonic() - begin < 5
assert not failures, failures

open(base + ".away", "w").close()
open(base + ".back").close()  # waits
begin = time.monotonic()
while True:
    try:
        assert h.pread(4096, 0) == b"x" * 4096
        break
    except nbd.Error:
        assert time.monotonic() - begin < 10, "does not come back"
        time.sleep(0.05)
for what, client in clients.items():
    while True:
        try:
            REQUESTS[what](client)
            break
        except nbd.Error as error:
            assert time.monotonic() - begin < 10, f"{what}: {error}"
            time.sleep(0.05)
print(f"back after {time.monotonic() - begin:.1f} s")
assert h.pread(4096, 4096) == b"y" * 4096
third = nbd.NBD()
third.connect_uri(uri)
third.pwrite(b"z" * 1000, 100)
assert h.pread(1000, 100) == b"z" * 1000
PYTHON
  client=$!
  defer stop_quietly "$client"
  until [ -e "$tmp/$kind.away" ]; do
    kill -0 "$client" || fail "the client ended: $(cat "$log")"
    sleep 0.1
  done
  comes
  : >"$tmp/$kind.back"
  wait "$client" || fail "the client failed: $(cat "$log")"
  matches 'the connection to .* was lost' "$log"
  [ "$(wc -l <"$log")" -le 20 ] || fail "too many lines: $(cat "$log")"
  stop "$server"
  vanishes
done
