#!/bin/bash
# Block status: all of the export is data, no holes and no zeroes, wherever a client asks; extents
# end where sectors do or the request does; contexts that nobody knows are not offered.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 1M --sector-size 4096
truncate -s 1M "$tmp/zero"
encrypted v 4096 <"$tmp/zero" >"$tmp/v.payload"  # plain zeroes at first
truncate -s 512K "$tmp/v.payload"
truncate -s 1000K "$tmp/v.payload"               # and a hole in the storage
parameters v
serve "${parameters[@]}"
with_raw_nbd "$socket" <<'END'
import struct
import sys
from raw_nbd import *

path = sys.argv[1]
SIZE = 1000 << 10


def query(*names):
    data = struct.pack(">II", 0, len(names))
    for name in names:
        data += struct.pack(">I", len(name)) + name
    return data


def contexts(client, option, *names):
    *offered, (verdict, _) = client.option(option, query(*names))
    assert verdict == REP_ACK, verdict
    return {told[4:]: struct.unpack(">I", told[:4])[0] for kind, told in offered}


# Without structured replies, and without a context, there is no status to be had.
client = Client(path)
assert client.verdict(OPT_SET_META_CONTEXT, query(b"base:allocation")) == REP_ERR_INVALID
assert client.go().error(BLOCK_STATUS, 0, 4096) == EINVAL
client.leave()
client = Client(path)
client.want_structured()
assert contexts(client, OPT_SET_META_CONTEXT, b"qemu:allocation-depth", b"nonsense", b"base:other") == {}
assert client.go().error(BLOCK_STATUS, 0, 4096) == EINVAL
client.leave()

client = Client(path)
client.want_structured()
for names in [], [b"base:"], [b"base:allocation"], [b"nonsense:", b"base:allocation"]:
    assert list(contexts(client, OPT_LIST_META_CONTEXT, *names)) == [b"base:allocation"], names
assert list(contexts(client, OPT_LIST_META_CONTEXT, b"nonsense:")) == []
((name, context),) = contexts(client, OPT_SET_META_CONTEXT, b"qemu:dirty-bitmap:b", b"base:allocation").items()
assert name == b"base:allocation"
client.go()


def extents(offset, length, flags=0):
    error, chunks = client.request(BLOCK_STATUS, offset, length, flags)
    assert error == OK, (offset, length, error)
    ((kind, told),) = chunks
    assert kind == CHUNK_STATUS and struct.unpack(">I", told[:4]) == (context,)
    return list(struct.iter_unpack(">II", told[4:]))


for offset, length in ((0, SIZE), (0, 1), (1, 1), (4095, 2), (100, 70000), (512 << 10, 4096), (600000, 400000),
                       (SIZE - 1, 1), (SIZE - 4097, 4097)):
    end = offset
    for extent, flags in extents(offset, length):
        assert flags == 0, f"not data at {end}: {flags}"
        assert extent > 0
        end += extent
        assert end % 4096 == 0 or end == offset + length, f"an extent ends inside a sector: {end}"
    assert offset < end <= SIZE, (offset, length, end)

    # One extent, no longer than was asked for.
    ((extent, flags),) = extents(offset, length, FLAG_REQ_ONE)
    assert flags == 0 and 0 < extent <= length, (extent, flags)

assert client.error(BLOCK_STATUS, SIZE, 1) == EINVAL
assert client.error(BLOCK_STATUS, SIZE - 1, 2) == EINVAL
assert client.error(BLOCK_STATUS, 0, 4096, FLAG_FAST_ZERO) == EINVAL
assert len(client.read(0, 4096)) == 4096
client.leave()
END
