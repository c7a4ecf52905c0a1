#!/bin/bash
# Replies simple and structured: the same bytes and the same errors, and all in one chunk where the
# client says so (DF). Of many requests at once each gets a reply of its own.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 1M --sector-size 512
noise 1M >"$tmp/plain"
encrypted v 512 <"$tmp/plain" >"$tmp/v.payload"
parameters v
serve "${parameters[@]}"
with_raw_nbd "$socket" "$tmp/plain" <<'END'
import struct
import sys
from raw_nbd import *

path = sys.argv[1]
plain = open(sys.argv[2], "rb").read()
simple, structured = Client(path).go(), Client(path)
structured.want_structured()
structured.go()

for offset, length in (0, 512), (0, 1 << 20), (511, 2), (4095, 70000), ((1 << 20) - 1, 1):
    wanted = plain[offset:offset + length]
    error, chunks = simple.request(READ, offset, length)
    assert (error, chunks) == (OK, [(None, wanted)]), (offset, length, error)
    assert structured.read(offset, length) == wanted, (offset, length)
    # Do not fragment: all in one chunk.
    error, chunks = structured.request(READ, offset, length, FLAG_DF)
    assert (error, chunks) == (OK, [(CHUNK_DATA, struct.pack(">Q", offset) + wanted)]), (offset, length, error)

# Without structured replies, not fragmenting is nothing that one may ask for.
assert simple.error(READ, 0, 512, FLAG_DF) == EINVAL

# Errors: in structured replies a chunk of their own, with or without words, which are text.
assert simple.error(READ, 1 << 20, 1) == EINVAL
error, chunks = structured.request(READ, 1 << 20, 1)
assert error == EINVAL and [kind for kind, _ in chunks] == [CHUNK_ERROR], chunks
code, words = struct.unpack(">IH", chunks[0][1][:6])
assert len(chunks[0][1]) == 6 + words
chunks[0][1][6:].decode()
for client in simple, structured:
    assert client.error(WRITE, 1000, 3, data=b"new") == OK
    assert client.error(FLUSH) == OK
    assert client.error(WRITE_ZEROES, 2000, 3) == OK
    assert client.read(1000, 3) == b"new" and client.read(2000, 3) == bytes(3)
    client.leave()

# 64 requests before the first reply is read; their cookies tell what is whose.
client = Client(path).go()
asked = {}
for n in range(64):
    client.begin(READ, n * 8000 + 4096, 1000)
    asked[client.cookie] = n * 8000 + 4096
while asked:
    magic, error, cookie = struct.unpack(">IIQ", client.receive(16))
    assert (magic, error) == (0x67446698, OK)
    offset = asked.pop(cookie)
    assert client.receive(1000) == plain[offset:offset + 1000], offset
client.leave()
END
