#!/bin/bash
# The payload is a qcow2 image, through a qemu-nbd of the plugin's own, in a file whose name has what URIs
# and QEMU's options make something of. The image stays sound; what it holds is what libgcrypt decrypts.
. "$(dirname -- "$0")/lib.sh"

image="$tmp/a b,c=d;e:f%41&g?h#i\"j'k\\l.qcow2"
make_luks2 v 16M --sector-size 4096
qemu-img create -q -f qcow2 "$image" 16M

# attach ARG…
attach() { serve "header=$tmp/v.header" "payload=qemu:qcow2:$image" "secret=$tmp/v.secret" "$@"; }

# detach: the image is sound then, and tells of nothing that leaked.
detach() {
  stop "$server"
  qemu-img check -q -f qcow2 "$image" || fail "qemu-img check: status $?"
}

# put BYTE OFFSET LENGTH: in the file that is to be what qemu-io's `write -P` does to the export.
put() {
  head -c "$3" /dev/zero | tr '\0' "$(printf '\\%o' "$1")" |
    dd of="$tmp/plain" bs=64K seek="$2" oflag=seek_bytes conv=notrunc status=none
}

# by_libgcrypt: the plain bytes, without the plugin.
by_libgcrypt() {
  qemu-img convert -f qcow2 -O raw "$image" "$tmp/v.payload"
  decrypted v 4096 >"$tmp/decrypted"
  same "$tmp/plain" "$tmp/decrypted"
}

used() { echo $(($(stat -c '%b * %B' "$image"))); }

note "killed after a flush: nothing is lost, and nobody holds the image"
noise 16M >"$tmp/plain"
empty=$(used)
attach
[ "$(nbdinfo --size "$uri")" = $((16 << 20)) ] || fail "size: $(nbdinfo --size "$uri")"
nbdcopy --flush "$tmp/plain" "$uri"
[ "$(used)" -ge $((empty + (16 << 20))) ] || fail "$empty bytes empty, $(used) full"
kill -KILL "$server"
wait "$server" 2>/dev/null || true
unset "running[$server]"
eventually qemu-img info -f qcow2 "$image"
by_libgcrypt

note "stopped, and read after a restart"
attach
qemu-io -f raw -c 'write -P 0x5a 13000001 3000' -c 'write -z 9M 2M' -c flush "$uri"
put 0x5a 13000001 3000
put 0 9437184 2097152
detach
by_libgcrypt
attach
nbdcopy "$uri" "$tmp/read"
same "$tmp/plain" "$tmp/read"
detach

note "without discard=true the image keeps its clusters, with it they are given back"
full=$(used)
attach
if nbdinfo --can trim "$uri"; then fail "trims without discard=true"; fi
detach
attach discard=true
qemu-io -d unmap -f raw -c 'discard 4M 8M' -c flush "$uri"
detach
[ "$(used)" -le $((full - (7 << 20))) ] || fail "$full bytes, and still $(used) after 8 MiB were discarded"

note "an image that grew"
qemu-img resize -q -f qcow2 "$image" 20M
attach
[ "$(nbdinfo --size "$uri")" = $((20 << 20)) ] || fail "size: $(nbdinfo --size "$uri")"
qemu-io -f raw -c 'write -P 0x33 17M 3M' -c flush "$uri"
detach
attach
qemu-io -f raw -c 'read -P 0x33 17M 3M' -c 'read -P 0x5a 13000001 3000' "$uri" >"$tmp/qemu-io.log"
if grep 'verification failed' "$tmp/qemu-io.log"; then fail "other bytes are read after growth"; fi
detach
