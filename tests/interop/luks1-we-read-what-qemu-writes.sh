#!/bin/bash
# The other way round: QEMU encrypts, the plugin serves; with a header that cryptsetup made, and with
# an image that is QEMU's alone, whose header says where the payload begins.
. "$(dirname -- "$0")/lib.sh"
. "$here/qemu_luks.sh"

note "cryptsetup's header, detached"
make_luks1 v 2M
join v
noise 2M >"$tmp/plain"
qemu_write v "$tmp/plain"
split_joined v
parameters v
serve "${parameters[@]}"
nbdcopy "$uri" "$tmp/read"
stop "$server"
same "$tmp/plain" "$tmp/read"

note "QEMU's own image, both ways: its first part is the header, the whole is the payload"
make_qemu_luks1 q 2M cipher-alg=aes-128,hash-alg=sha512
agree_with_qemu q 2M
