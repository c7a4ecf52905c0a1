#!/bin/bash
# The handshake, as the NBD protocol has it: options that list and describe exports, in any order and
# more than once; names; options that nobody knows; both ways to begin.
. "$(dirname -- "$0")/lib.sh"

for size in 512 4096; do
  make_luks2 "s$size" 1M --sector-size "$size"
  parameters "s$size"
  serve "${parameters[@]}"
  with_raw_nbd "$socket" <<'END'
import struct
import sys
from raw_nbd import *

path = sys.argv[1]
client = Client(path)
assert client.verdict(12345, b"nonsense") == REP_ERR_UNSUP
listed = client.option(OPT_LIST)
assert listed == [(REP_SERVER, struct.pack(">I", 0)), (REP_ACK, b"")], listed
assert client.verdict(OPT_LIST, b"x") == REP_ERR_INVALID
assert client.verdict(OPT_INFO, b"\xff\xff\xff\xffname") == REP_ERR_INVALID
assert client.verdict(OPT_GO, b"\0\0\0\4na") == REP_ERR_INVALID

# Asked for and not, of any name, again: always the same export.
for name in b"", b"any name", "ä / ../%00".encode(), b"n" * 4000:
    for asked in [INFO_BLOCK_SIZE], [], [INFO_EXPORT, INFO_BLOCK_SIZE, 4711]:
        told = client.ask(OPT_INFO, name, asked)
        assert struct.unpack(">QH", told[INFO_EXPORT])[0] == 1 << 20, told
        if INFO_BLOCK_SIZE in asked:
            assert struct.unpack(">III", told[INFO_BLOCK_SIZE]) == (1, 4096, 64 << 20), told

client.go(b"any name")
assert client.size == 1 << 20
able = HAS_FLAGS | SEND_FLUSH | SEND_FUA | SEND_WRITE_ZEROES | CAN_MULTI_CONN | SEND_FAST_ZERO
assert client.flags & able == able, bin(client.flags)
# DF needs structured replies.
assert client.flags & (READ_ONLY | SEND_TRIM | SEND_DF | SEND_RESIZE) == 0, bin(client.flags)
assert len(client.read(0, 512)) == 512
client.leave()

client = Client(path)
client.want_structured()
assert client.go().flags & SEND_DF
client.leave()

# The old way to begin has no reply but the export's data, and no error.
client = Client(path)
client.send(b"IHAVEOPT" + struct.pack(">II", OPT_EXPORT_NAME, 4) + b"name")
assert struct.unpack(">QH", client.receive(10))[0] == 1 << 20
assert len(client.read(1000, 5)) == 5
client.leave()

# An orderly end without having begun.
client = Client(path)
assert client.verdict(OPT_ABORT) == REP_ACK
try:
    client.receive(1)
except Closed:
    pass
else:
    raise SystemExit("it goes on")
END
done
