#!/bin/bash
# nbdcopy from one volume to another, whose sectors, key and LUKS version differ: the plain bytes are
# the same afterwards, the ciphertext is not.
. "$(dirname -- "$0")/lib.sh"

make_luks1 from 3M
make_luks2 to 4M --sector-size 4096
noise 3M >"$tmp/plain"
encrypted from 512 <"$tmp/plain" >"$tmp/from.payload"
decrypted to 4096 | tail -c 1M >"$tmp/rest"
before=$(sha256sum <"$tmp/from.payload")

parameters from
serve -r "${parameters[@]}"
from=$uri
parameters to
serve "${parameters[@]}"
nbdcopy --connections=4 --requests=16 --request-size=65536 --flush "$from" "$uri"

cat "$tmp/plain" "$tmp/rest" >"$tmp/wanted"
decrypted to 4096 >"$tmp/decrypted"
same "$tmp/wanted" "$tmp/decrypted"
[ "$before" = "$(sha256sum <"$tmp/from.payload")" ] || fail "the source was written"
if cmp -s -n 4096 "$tmp/from.payload" "$tmp/to.payload"; then fail "the same ciphertext"; fi

note "qemu-img finds no difference either"
truncate -s 3M "$tmp/to.payload"
serve -r lock=false "${parameters[@]}"
qemu-img compare -s -f raw -F raw "$from" "$uri"
