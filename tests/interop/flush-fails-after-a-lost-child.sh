#!/bin/bash
# qemu-nbd keeps a qcow2 image's tables in its memory: when the one that serves a payload for us
# ends suddenly, writes that were acknowledged are lost. Then no flush says that they are on the
# disk, nor does a durable write of which a part is lost.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 64M --sector-size 4096

# served NAME OPTION…: a fresh image as the payload; sets $child, the process that serves it.
served() {
  image=$tmp/$1.qcow2
  qemu-img create -q -f qcow2 "$image" 64M
  serve "header=$tmp/v.header" "payload=qemu:qcow2:$image" "secret=$tmp/v.secret" "${@:2}"
  nbd_shell -u "$uri" -c 'h.pread(4096, 0)' # until now another one may have served it
  child=$(pgrep -f "^qemu-nbd .*$image")
}

# client SCRIPT: h and other are connected; acknowledged() writes, lost() counts what is not there.
client() {
  timeout 120 /usr/bin/python3 - "$uri" "$child" "$log" <<END
import errno, nbd, os, signal, sys, threading, time

h, other = nbd.NBD(), nbd.NBD()
h.connect_uri(sys.argv[1])
other.connect_uri(sys.argv[1])
child, log = int(sys.argv[2]), sys.argv[3]
data = os.urandom(4096)
places = range(0, 50 << 20, 1 << 18)

def acknowledged():
    for at in places:
        h.pwrite(data, at)

def lost():
    return sum(h.pread(4096, at) != data for at in places)

def fails(handle):
    try:
        handle.flush()
    except nbd.Error as error:
        assert error.errnum == errno.EIO, error
        return True
    return False

$1
END
}

note "killed: each client hears of it once"
served killed
client '
acknowledged()
os.kill(child, signal.SIGKILL)
assert fails(h) and fails(other)
assert not fails(h) and not fails(other)
print(lost(), "writes are lost")
assert lost() > 0, "this test sees nothing"'
stop "$server"

note "killed after a flush: nothing is lost"
served flushed
client '
acknowledged()
h.flush()
os.kill(child, signal.SIGKILL)
assert not fails(h) and not fails(other)
assert lost() == 0'
stop "$server"

note "stalled, so that it is given up: each client hears of it once, when its successor is there"
served stalled reconnect-timeout=1
client '
acknowledged()
os.kill(child, signal.SIGSTOP)
try:
    h.pread(4096, 0)
    sys.exit("a read succeeded")
except nbd.Error:
    pass
os.kill(child, signal.SIGKILL)
# Until then a flush fails because nobody is there, and is none that is owed.
end = time.monotonic() + 30
while "is connected again" not in open(log).read():
    assert time.monotonic() < end, "no successor"
    time.sleep(0.05)
h.pread(4096, 0)
assert fails(h) and fails(other)
assert not fails(h) and not fails(other)
assert lost() > 0, "this test sees nothing"'
stop "$server"

note "killed in the middle of a long durable write"
for delay in 0.02 0.06 0.1; do
  served "durable-$delay"
  client "
data = os.urandom(32 << 20)
threading.Timer($delay, os.kill, (child, signal.SIGKILL)).start()
try:
    h.pwrite(data, 0, nbd.CMD_FLAG_FUA)
except nbd.Error as error:
    assert error.errnum == errno.EIO, error
    print('$delay: it failed')
else:
    print('$delay: it was acknowledged')
    assert h.pread(len(data), 0) == data"
  stop "$server"
done
