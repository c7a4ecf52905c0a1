#!/bin/bash
# Commands and flags that nobody knows, or that the export does not offer, are refused and change
# nothing, and the connection goes on. What is no request at all ends it, and no other one.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 1M --sector-size 512
noise 1M >"$tmp/plain"
encrypted v 512 <"$tmp/plain" >"$tmp/v.payload"
parameters v
before=$(sha256sum <"$tmp/v.payload")
serve "${parameters[@]}"
writable=$socket
serve -r "${parameters[@]}" lock=false
with_raw_nbd "$writable" "$socket" "$tmp/plain" <<'END'
import sys
from raw_nbd import *

writable, read_only, plain = sys.argv[1], sys.argv[2], open(sys.argv[3], "rb").read()
other = Client(writable).go()
simple, structured = Client(writable).go(), Client(writable)
structured.want_structured()
structured.go()
for client in simple, structured:
    for command in 8, 9, 100, 0xFFFF:
        assert client.error(command, 0, 512) == EINVAL, command
    assert client.error(TRIM, 0, 4096) == EINVAL, "TRIM, which is not offered"
    for command, flags in ((READ, FLAG_NO_HOLE), (READ, FLAG_REQ_ONE), (READ, 1 << 15), (WRITE, FLAG_DF),
                           (WRITE, FLAG_NO_HOLE), (WRITE, 1 << 7), (WRITE_ZEROES, FLAG_DF), (WRITE_ZEROES, 1 << 5),
                           (FLUSH, FLAG_NO_HOLE), (FLUSH, 1 << 14), (TRIM, FLAG_NO_HOLE)):
        data = b"x" * 4096 if command == WRITE else b""
        length = 0 if command == FLUSH else 4096
        assert client.error(command, 0, length, flags, data) == EINVAL, (command, flags)
    assert client.read(0, len(plain)) == plain

# Read-only: whatever would write is refused with EPERM, wherever it would write.
client = Client(read_only).go()
assert client.flags & READ_ONLY and not client.flags & (SEND_TRIM | SEND_WRITE_ZEROES), bin(client.flags)
for offset in 0, 1000, 1 << 20:
    for flags in 0, FLAG_FUA:
        assert client.error(WRITE, offset, 512, flags, b"x" * 512) == EPERM, (offset, flags)
assert client.error(WRITE_ZEROES, 0, 512) == EPERM
assert client.error(TRIM, 0, 512) in (EPERM, EINVAL)  # not offered, whatever the export is
assert client.read(0, len(plain)) == plain
client.leave()

# No request at all: there is no telling where the next one would begin.
for magic in 0, 0x25609514, 0xFFFFFFFF:
    client = Client(writable).go()
    client.begin(READ, 0, 512, magic=magic)
    try:
        client.end(512)
    except Closed:
        pass
    else:
        sys.exit("an answer to nonsense")
# And the end of a client in the middle of one.
client = Client(writable).go()
client.begin(WRITE, 0, 4096, data=b"x" * 1000)
client.socket.close()
for client in other, simple, structured, Client(writable).go():
    assert client.read(0, len(plain)) == plain
    client.leave()
END
stop "$server"
[ "$before" = "$(sha256sum <"$tmp/v.payload")" ] || fail "a refused request changed the payload"
