#!/bin/bash
# Reads and writes of 32 MiB, the most that clients like QEMU send, aligned and not; from a file and
# from an NBD server.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 40M --sector-size 512
serve_plain file "$tmp/v.payload"
for payload in "$tmp/v.payload" "$uri"; do
  note "$payload"
  serve "header=$tmp/v.header" "payload=$payload" "secret=$tmp/v.secret"
  nbd_shell -u "$uri" -c "base = '$tmp'" -c - <<'END'
import hashlib, os
SIZE = 32 << 20
model = bytearray(os.urandom(40 << 20))
h.pwrite(model[:20 << 20], 0)
h.pwrite(model[20 << 20:], 20 << 20)
for offset in (0, 8 << 20, 4097):
    data = os.urandom(SIZE)
    h.pwrite(data, offset)
    model[offset:offset + SIZE] = data
    assert h.pread(SIZE, offset) == data, offset
for offset in (0, 1, 1000, 8 << 20):
    assert h.pread(SIZE, offset) == model[offset:offset + SIZE], offset
h.flush()
open(base + "/model", "wb").write(model)
END
  stop "$server"
  decrypted v 512 >"$tmp/decrypted"
  same "$tmp/model" "$tmp/decrypted"
done
