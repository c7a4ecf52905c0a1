#!/bin/bash
# What one connection is told by a failed flush or FUA, that bytes may be lost, every other connection
# that was open is told once too, by its next flush or FUA: its writes may be among them. Its reads and
# ordinary writes go on, and connections opened later are told nothing.
. "$(dirname -- "$0")/lib.sh"
. "$here/faults.sh"

make_luks2 v 1M --sector-size 512
plain v 512

check() {
  nbd_shell -u "$uri" -c "fault, says, uri, model_file = '$fault', '$1', '$uri', '$tmp/model'" -c - <<'END'
import errno, nbd, os
model = bytearray(open(model_file, "rb").read())

def connection():
    new = nbd.NBD()
    new.connect_uri(uri)
    return new

def write(client, offset, length, flags=0, zero=False):
    data = bytes(length) if zero else os.urandom(length)
    if zero:
        client.zero(length, offset, flags)
    else:
        client.pwrite(data, offset, flags)
    model[offset : offset + length] = data

FUA = nbd.CMD_FLAG_FUA
SYNCS = {
    "flush": lambda client: client.flush(),
    "FUA": lambda client: write(client, 4096, 4096, FUA),
    "FUA of a part": lambda client: write(client, 9000, 100, FUA),
    "FUA of many sectors": lambda client: write(client, 20000, 900000, FUA),
    "FUA of zeroes": lambda client: write(client, 8192, 512, FUA, zero=True),
}

def failed(sync, client):
    try:
        SYNCS[sync](client)
    except nbd.Error as error:
        assert error.errnum == errno.EIO, f"{sync}: {error}"
        return True
    return False

def fail_first(sync):
    """The storage fails the first client's request, once."""
    open(fault + ".new", "w").write(says)
    os.rename(fault + ".new", fault)
    assert failed(sync, h), sync
    if os.path.exists(fault):
        os.unlink(fault)

def works_soon(sync, client):
    assert not all(failed(sync, client) for _ in range(3)), f"{sync} goes on failing"

others = {sync: connection() for sync in SYNCS}
for sync, client in others.items():
    assert not failed(sync, client), f"{sync}: before anything happened"
for first in SYNCS:
    fail_first(first)
    late = connection()
    for sync, client in others.items():
        write(client, 4096, 5000)
        assert client.pread(5000, 4096) == model[4096:9096]
        assert failed(sync, client), f"{sync} works after a failed {first} elsewhere"
        works_soon(sync, client)
        assert not failed("flush", client), f"a second {sync} fails after a failed {first} elsewhere"
    for sync in SYNCS:
        assert not failed(sync, late), f"{sync} fails on a connection opened after the failed {first}"
    works_soon(first, h)
    late.shutdown()
# A connection that was told and did nothing since is told of the next time.
fail_first("flush")
fail_first("flush")
for sync, client in others.items():
    assert failed(sync, client), f"{sync}: not told"
    works_soon(sync, client)
    client.pread(len(model), 0)
works_soon("flush", h)
write(h, 0, len(model)) # what failed may be there or not
open(model_file, "wb").write(model)
END
  stop "$server"
  as_model v 512
}

note "a file"
serve_faulty v
check "$(printf 'sync EIO times=1\nfua EIO times=1' | sed -z 's/\n/\\n/')"
for fua in true false; do
  note "an NBD server, fua=$fua"
  serve_plain "$volatile_cache" "file=$tmp/v.payload" writeback=100 "fua=$fua" "fails=$fault"
  serve "header=$tmp/v.header" "payload=$uri" "secret=$tmp/v.secret"
  check ''
done
