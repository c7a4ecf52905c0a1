#!/bin/bash
# A write of part of a sector is read, changed and written back. Meanwhile nothing else may touch
# the sector: not another part, and not a whole-sector write. A payload that answers slowly makes
# the window wide, so that a missing lock is seen at once.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 1M --sector-size 4096
serve_plain --filter=delay file "$tmp/v.payload" rdelay=4ms wdelay=4ms
serve "header=$tmp/v.header" "payload=$uri" "secret=$tmp/v.secret"

nbd_shell -c "uri = '$uri'" -c - <<'END'
import nbd

def connected():
    handle = nbd.NBD()
    handle.connect_uri(uri)
    return handle

def at_once(*writes):
    """Each write in flight on its own connection before any of them is awaited."""
    waiting = [(c, c.aio_pwrite(nbd.Buffer.from_bytearray(bytearray(data)), offset)) for c, data, offset in writes]
    for c, cookie in waiting:
        while not c.aio_command_completed(cookie):
            c.poll(-1)

a, b, c = connected(), connected(), connected()
SECTOR = 4096
for round in range(40):
    old, new = bytes([round]), bytes([round + 100])
    base = (round % 8) * 16 * SECTOR
    a.pwrite(old * (2 * SECTOR), base)

    # Two parts of one sector, and one that crosses into the next: none may be lost.
    at_once((a, new * 100, base + 10), (b, new * 200, base + 2000), (c, new * 300, base + SECTOR - 100))
    found = a.pread(2 * SECTOR, base)
    wanted = bytearray(old * (2 * SECTOR))
    for offset, length in ((10, 100), (2000, 200), (SECTOR - 100, 300)):
        wanted[offset:offset + length] = new * length
    assert found == wanted, f"round {round}: a part of a sector was lost"

    # A whole sector against a part of it: the order is open, old bytes are not.
    whole, part = bytes([round + 50]), bytes([round + 150])
    order = [(a, whole * SECTOR, base), (b, part * 500, base + 1000)]
    at_once(*(order if round % 2 else reversed(order)))
    found = a.pread(SECTOR, base)
    assert found[:1000] == whole * 1000 and found[1500:] == whole * (SECTOR - 1500), \
        f"round {round}: a part-sector write brought old bytes back"
    assert found[1000:1500] in (whole * 500, part * 500), f"round {round}: torn"
for handle in (a, b, c):
    handle.shutdown()
END
