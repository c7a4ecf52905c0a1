#!/bin/bash
# Reads and writes of 64 MiB, the most that is offered. Larger ones are refused and change nothing; the
# connection stays, unless a client sends so much that nobody would read it to the end.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 1M --sector-size 512
truncate -s 70M "$tmp/v.payload"
parameters v
serve "${parameters[@]}"
with_raw_nbd "$socket" "$tmp/wanted" <<'END'
import os
import sys
from raw_nbd import *

MOST = 64 << 20
path, wanted = sys.argv[1:]
client = Client(path).go()
before, after = client.read(0, 1001), client.read(1001 + MOST, (6 << 20) - 1001)
data = os.urandom(MOST)
assert client.error(WRITE, 1001, MOST, FLAG_FUA, data) == OK
assert client.read(1001, MOST) == data
assert client.read(0, 1001) == before and client.read(1001 + MOST, len(after)) == after

for length in MOST + 1, MOST + 512, 69 << 20, 1 << 31, (1 << 32) - 1:
    assert client.error(READ, 0, length) in (EINVAL, ENOMEM, EOVERFLOW), length
for length in MOST + 1, 69 << 20:
    try:
        error = client.error(WRITE, 0, length, data=bytes(length))
        assert error in (EINVAL, ENOMEM, EOVERFLOW, ENOSPC), (length, error)
    except Closed:  # which the protocol allows
        client = Client(path).go()
assert client.read(0, 1001) == before
client.leave()

client = Client(path).go()
try:
    client.begin(WRITE, 0, (1 << 32) - 1, data=bytes(1 << 20))
    client.end()
except Closed:
    pass
else:
    sys.exit("an answer to 4 GiB of which 1 MiB was sent")
client = Client(path).go()
assert client.read(0, 1001) == before
client.leave()
with open(wanted, "wb") as file:
    file.write(before + data + after)
END
stop "$server"
decrypted v 512 >"$tmp/decrypted"
same "$tmp/wanted" "$tmp/decrypted"
