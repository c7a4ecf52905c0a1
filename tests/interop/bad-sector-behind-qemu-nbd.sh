#!/bin/bash
# One sector of the storage behind qemu-nbd cannot be read: the requests for it get an input/output error,
# every other one, also beside it and at the same time, is served on. (qemu-nbd answers a read that fails
# by hanging up, unless the read says that it wants no fragments.)
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 1M --sector-size 4096
qemu-nbd --persistent --shared=8 --socket="$tmp/bad.sock" --image-opts \
  "driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=$tmp/v.payload,\
file.inject-error.0.event=none,file.inject-error.0.iotype=read,file.inject-error.0.sector=1400,file.inject-error.0.errno=5" \
  >"$tmp/qemu-nbd.log" 2>&1 &
qemu=$!
defer stop_quietly "$qemu"
eventually test -S "$tmp/bad.sock"
decrypted v 4096 >"$tmp/plain"
serve "header=$tmp/v.header" "payload=nbd+unix:///?socket=$tmp/bad.sock" "secret=$tmp/v.secret"

nbd_shell -u "$uri" -c "plain = open('$tmp/plain', 'rb').read()" -c - <<'END'
import errno, nbd
bad = 716800
for _ in range(3):
    pieces = {at: nbd.Buffer(4096) for at in range(0, len(plain), 4096)}
    cookies = {at: h.aio_pread(piece, at) for at, piece in pieces.items()}
    while h.aio_in_flight():
        h.poll(-1)
    for at, cookie in cookies.items():
        try:
            h.aio_command_completed(cookie)
        except nbd.Error as error:
            assert at == bad and error.errnum == errno.EIO, f"at {at}: {error}"
        else:
            assert at != bad, "the sector that cannot be read was read"
            assert pieces[at].to_bytearray() == plain[at:at + 4096], f"other bytes at {at}"
END
if grep -i 'disconnect' "$tmp/qemu-nbd.log"; then fail "qemu-nbd hung up"; fi
stop "$server"
