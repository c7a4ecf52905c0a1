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

note "QEMU's own image: its first part is the header, the whole is the payload"
qemu-img create -q -f luks --object "secret,id=s,file=$tmp/v.secret" \
  -o key-secret=s,iter-time=10,cipher-alg=aes-128,hash-alg=sha512 "$tmp/q.joined" 2M
cp "$tmp/v.secret" "$tmp/q.secret"
qemu_write q "$tmp/plain"
offset=$((512 * 0x$(dd if="$tmp/q.joined" bs=1 skip=104 count=4 status=none | od -An -tx1 | tr -d ' ')))
head -c "$offset" "$tmp/q.joined" >"$tmp/q.header"
serve "header=$tmp/q.header" "payload=$tmp/q.joined" "secret=$tmp/v.secret"
nbdcopy "$uri" "$tmp/read"
same "$tmp/plain" "$tmp/read"

note "what we write there, QEMU reads; its header area stays"
noise 2M >"$tmp/plain"
nbdcopy --flush "$tmp/plain" "$uri"
stop "$server"
qemu_read q >"$tmp/read"
same "$tmp/plain" "$tmp/read"
cmp -n "$offset" "$tmp/q.header" "$tmp/q.joined" || fail "the header area was written"
