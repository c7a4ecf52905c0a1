#!/bin/bash
# reconnect-behind-a-child.sh ssh|ssh-under-load|http: a payload that a child of ours serves, whose
# real server goes away and comes back: requests wait for it, and fail when reconnect-timeout is
# over, until it is back.
#
# The child, nbdkit, is only a translator and keeps nothing to itself: what was acknowledged is with
# the machine behind it, and a flush over a new session syncs the same file there. So no flush fails
# after such a loss. One that is owed fails, once, only where the lost child gathers writes: see
# tell_of_lost_changes in plugin/source/nbd_link.h, and flush-fails-after-a-lost-child.sh.
. "$(dirname -- "$0")/lib.sh"
. "$here/tls.sh"
. "$here/servers.sh"
. "$here/faults.sh"

# client SCRIPT: h is connected; what it writes goes into $tmp/model, too.
client() {
  timeout 100 /usr/bin/python3 - "$uri" "$tmp/model" <<END
import errno, nbd, os, random, sys, threading, time
content = bytearray(open(sys.argv[2], "rb").read())
def connected():
    handle = nbd.NBD()
    handle.connect_uri(sys.argv[1])
    return handle
h = connected()

def read(handle, offset, length):
    found = handle.pread(length, offset)
    assert found == content[offset : offset + length], f"wrong bytes in {offset}+{length}"

def write(handle, offset, data, flags=0):
    handle.pwrite(data, offset, flags)
    content[offset : offset + len(data)] = data

def seconds_to_fail(request):
    begin = time.monotonic()
    try:
        request()
    except nbd.Error as error:
        assert error.errnum == errno.EIO, error
        return time.monotonic() - begin
    sys.exit("a request succeeded while there was no server")

$1
open(sys.argv[2], "wb").write(content)
END
}
in_order() { client 'read(h, 0, len(content))'; }

kill_sessions() { # of sshd: all processes that it has for them, the SFTP servers among them
  local sessions
  read -r -d '' -a sessions < <(below "$sshd") || true
  [ ${#sessions[@]} != 0 ] || fail "there is no session"
  kill -KILL "${sessions[@]}" "$@" 2>/dev/null || true # one may end with another
}
ssh_server_goes() {
  kill_sessions "$sshd"
  wait "$sshd" 2>/dev/null || true
}
web_server_goes() {
  kill -KILL "$nginx"
  wait "$nginx" 2>/dev/null || true
}

# An error over a session that is not older than this is believed at once.
grow_old() { sleep 2.2; }

# serve_from URI PARAMETER…: sets $export.
serve_from() {
  serve "header=$tmp/v.header" "payload=$1" "secret=$tmp/v.secret" "${@:2}"
  export=$server
  in_order # until now it may have been another child
  grow_old
}

over_ssh() {
  ssh_server
  serve_from "ssh://$ssh$tmp/v.payload?$ssh_keys" reconnect-timeout=4

  note "what was not flushed when the sessions were lost is there, and the next flush syncs it"
  client 'write(h, 8192, os.urandom(10000))'
  kill_sessions
  strace -f -qq -e trace=fsync -o "$tmp/syncs" -p "$sshd" &
  defer stop_quietly $!
  traced() { ! grep -q '^TracerPid:.0$' "/proc/$sshd/status"; }
  eventually traced
  client 'h.flush(); read(h, 0, len(content))'
  grep -q 'fsync(.*= 0' "$tmp/syncs" || fail "nothing was synced: $(cat "$tmp/syncs")"

  note "when it is away for too long requests fail, later ones at once"
  grow_old
  ssh_server_goes
  client '
assert seconds_to_fail(lambda: h.pread(512, 0)) < 12
for request in lambda: h.pread(512, 0), lambda: h.pwrite(bytes(512), 0), h.flush:
    assert seconds_to_fail(request) < 0.5'

  note "it comes back"
  ssh_server_comes
  eventually in_order
  client 'write(h, 100, os.urandom(5000)); h.flush(); read(h, 0, len(content))'
}

over_ssh_under_load() {
  ssh_server
  serve_from "ssh://$ssh$tmp/v.payload?$ssh_keys" reconnect-timeout=30
  client '
end = time.monotonic() + 20
errors, longest, done = [], [0.0], [0]
def work(part):
    handle, chosen = connected(), random.Random(part)
    while time.monotonic() < end and not errors:
        begin = time.monotonic()
        length = chosen.randrange(1, 9000)
        offset = (part << 18) + chosen.randrange((1 << 18) - length)
        try:
            if chosen.random() < 0.5:
                write(handle, offset, os.urandom(length), chosen.choice([0, 0, nbd.CMD_FLAG_FUA]))
            else:
                read(handle, offset, length)
            if chosen.random() < 0.05:
                handle.flush()
        except (nbd.Error, AssertionError) as error:
            errors.append(error)
        longest[0] = max(longest[0], time.monotonic() - begin)
        done[0] += 1
workers = [threading.Thread(target=work, args=(part,)) for part in range(4)]
for worker in workers: worker.start()
for worker in workers: worker.join()
print(done[0], "requests, the longest took", round(longest[0], 1), "s")
assert not errors, errors
assert longest[0] > 1, "nobody had to wait"
read(h, 0, len(content))' &
  load=$!
  defer stop_quietly "$load"
  for _ in 1 2 3; do
    sleep 3
    kill_sessions
  done
  sleep 4
  ssh_server_goes
  sleep 1
  ssh_server_comes
  wait "$load" || fail "a client saw it: $(cat "$log")"
}

over_http() {
  mkdir "$tmp/web"
  cp "$tmp/v.payload" "$tmp/web"
  web_server
  serve_from "$http/v.payload" readonly=true reconnect-timeout=4

  note "a read waits"
  web_server_goes
  client '
begin = time.monotonic()
read(h, 0, len(content))
assert time.monotonic() - begin > 0.5, "it had not to wait"' &
  reader=$!
  defer stop_quietly "$reader"
  sleep 1
  web_server_comes
  wait "$reader" || fail "the client saw it: $(cat "$log")"

  note "when it is away for too long reads fail, later ones at once"
  grow_old
  web_server_goes
  client '
assert 3.5 < seconds_to_fail(lambda: h.pread(512, 0)) < 12
assert seconds_to_fail(lambda: h.pread(512, 0)) < 0.5'

  note "it comes back"
  web_server_comes
  eventually in_order
}

make_luks2 v 1M --sector-size 4096
plain v 4096
"over_${1//-/_}"
stop "$export"
as_model v 4096
