#!/bin/bash
# Stock clients on the running export: nbdinfo, qemu-img info, convert and compare.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 3M --sector-size 512
noise 3M >"$tmp/plain"
encrypted v 512 <"$tmp/plain" >"$tmp/v.payload"
parameters v
serve "${parameters[@]}"

nbdinfo --json "$uri" | tee "$tmp/info"
[ "$(jq '.exports[0]."export-size"' "$tmp/info")" = 3145728 ] || fail "nbdinfo's size"
[ "$(jq '.exports[0].is_read_only' "$tmp/info")" = false ] || fail "read-only"
[ "$(jq '.exports[0].can_flush and .exports[0].can_fua' "$tmp/info")" = true ] || fail "no flush or FUA"
nbdinfo --list --json "$uri" >"$tmp/list"
[ "$(jq '.exports | length' "$tmp/list")" = 1 ] || fail "the list of exports: $(cat "$tmp/list")"

qemu-img info --output=json "$uri" >"$tmp/info"
[ "$(jq '."virtual-size"' "$tmp/info")" = 3145728 ] || fail "qemu-img's size: $(cat "$tmp/info")"
qemu-img convert -f raw -O qcow2 "$uri" "$tmp/copy.qcow2"
qemu-img compare -f raw -F qcow2 "$uri" "$tmp/copy.qcow2"
qemu-img convert -O raw "$tmp/copy.qcow2" "$tmp/copy"
same "$tmp/plain" "$tmp/copy"

noise 3M >"$tmp/plain"
qemu-img convert -n -f raw -O raw "$tmp/plain" "$uri"
qemu-io -f raw -c 'write -P 0x5a 1000 3000' -c 'read -P 0x5a 1000 3000' -c flush "$uri" | tee "$tmp/qemu-io"
if grep -q 'verification failed' "$tmp/qemu-io"; then fail "qemu-io"; fi
printf '\x5a%.0s' $(seq 3000) | dd of="$tmp/plain" bs=1 seek=1000 conv=notrunc status=none
stop "$server"
decrypted v 512 >"$tmp/decrypted"
same "$tmp/plain" "$tmp/decrypted"
