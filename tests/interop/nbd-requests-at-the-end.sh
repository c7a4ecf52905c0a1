#!/bin/bash
# Requests at the end of an export, beyond it and over it, and of no length at all: what is there is
# read and written to the last byte, what is not is refused and changes nothing, and the rest of a
# sector behind the last whole one is never touched.
. "$(dirname -- "$0")/lib.sh"

for size in 512 4096; do
  make_luks2 "s$size" 256K --sector-size "$size"
  noise 256K >"$tmp/plain"
  encrypted "s$size" "$size" <"$tmp/plain" >"$tmp/s$size.payload"
  noise $((size - 1)) | tee -a "$tmp/s$size.payload" >"$tmp/rest"
  parameters "s$size"
  serve "${parameters[@]}"
  matches "warning.*$((size - 1))" "$log"
  with_raw_nbd "$socket" "$tmp/plain" "$size" <<'END'
import sys
from raw_nbd import *

path, plain, sector = sys.argv[1], sys.argv[2], int(sys.argv[3])
model = bytearray(open(plain, "rb").read())
SIZE = 256 << 10
simple, structured = Client(path).go(), Client(path)
structured.want_structured()
structured.go()
for client in simple, structured:
    assert client.size == SIZE, client.size

    def write(offset, data):
        assert client.error(WRITE, offset, len(data), data=data) == OK, offset
        model[offset:offset + len(data)] = data

    def zero(offset, length):
        assert client.error(WRITE_ZEROES, offset, length) == OK, offset
        model[offset:offset + length] = bytes(length)

    # The last byte, the last sector, and what reaches up to them.
    for length in 1, 2, sector - 1, sector, sector + 1, 3 * sector + 5:
        assert client.read(SIZE - length, length) == model[-length:], length
        write(SIZE - length, bytes([length & 255]) * length)
        assert client.read(SIZE - 2 * sector, 2 * sector) == model[-2 * sector:], length
    zero(SIZE - 1, 1)
    zero(SIZE - sector - 3, 10)
    assert client.read(SIZE - 2 * sector, 2 * sector) == model[-2 * sector:]

    # Beyond and over the end: into the rest of a sector, and far away, where sums overflow.
    for offset, length in ((SIZE, 1), (SIZE - 1, 2), (SIZE, sector - 1), (SIZE - sector, 2 * sector), (0, SIZE + 1),
                           (1 << 40, 512), ((1 << 63) - 1, 1), ((1 << 63) - 512, 1024), ((1 << 64) - 1, 1),
                           ((1 << 64) - 512, 512), ((1 << 64) - 4, 10)):
        assert client.error(READ, offset, length) == EINVAL, (offset, length)
        assert client.error(WRITE, offset, length, data=b"x" * length) in (ENOSPC, EINVAL), (offset, length)
        assert client.error(WRITE_ZEROES, offset, length) in (ENOSPC, EINVAL), (offset, length)
    assert client.error(WRITE_ZEROES, 0, (1 << 32) - 1) in (ENOSPC, EINVAL)

    # Of no length: the protocol leaves open what they mean. No harm, and no end of the connection.
    for offset in 0, 100, SIZE, SIZE + 1:
        for command in READ, WRITE, WRITE_ZEROES:
            assert client.error(command, offset, 0) in (OK, EINVAL, ENOSPC), (command, offset)
    assert client.read(0, SIZE) == model
    client.leave()
open(plain, "wb").write(model)
END
  stop "$server"
  tail -c $((size - 1)) "$tmp/s$size.payload" >"$tmp/rest-after"
  same "$tmp/rest" "$tmp/rest-after"
  truncate -s 256K "$tmp/s$size.payload"
  decrypted "s$size" "$size" >"$tmp/decrypted"
  same "$tmp/plain" "$tmp/decrypted"
done
