#!/bin/bash
# The payload is an image of a real Ceph cluster: what stock clients write is there after a restart, and
# is what libgcrypt decrypts from what `rbd export` gives.
. "$(dirname -- "$0")/../interop/lib.sh"
. "$here/../ceph/lib.sh"

start_cluster
make_luks2 v 24M --sector-size 4096
make_image disk v

# attach PAYLOAD ARG…
attach() { serve "header=$tmp/v.header" "payload=$1" "secret=$tmp/v.secret" "${@:2}"; }

# detach: it gives the image's lock back, or the next writer would have to wait and break it.
detach() {
  stop "$server"
  rbd lock ls disk >"$tmp/locks"
  [ ! -s "$tmp/locks" ] || fail "the image is locked: $(cat "$tmp/locks")"
}

# put BYTE OFFSET LENGTH: in the file that is to be what qemu-io's `write -P` does to the export.
put() {
  head -c "$3" /dev/zero | tr '\0' "$(printf '\\%o' "$1")" |
    dd of="$tmp/plain" bs=64K seek="$2" oflag=seek_bytes conv=notrunc status=none
}

note "written, decrypted by libgcrypt, read after a restart"
noise 24M >"$tmp/plain"
attach qemu:raw:rbd:rbd/disk
[ "$(nbdinfo --size "$uri")" = $((24 << 20)) ] || fail "size: $(nbdinfo --size "$uri")"
nbdcopy --flush "$tmp/plain" "$uri"
# A part of a sector, more than that over the border of two objects, zeroes over several.
qemu-io -f raw -c 'write -P 0x5a 5000001 3000' -c 'write -P 0xa5 4190000 10000' -c 'write -z 9M 11M' -c flush "$uri"
put 0x5a 5000001 3000
put 0xa5 4190000 10000
put 0 9437184 11534336
detach
as_image disk v plain

attach qemu:raw:rbd:rbd/disk
nbdcopy "$uri" "$tmp/read"
same "$tmp/plain" "$tmp/read"

note "killed after a flush: nothing is lost, and the next one breaks the lock"
# librbd holds writes back only after it saw a flush.
nbd_shell -u "$uri" -c 'h.pwrite(b"v" * 50000, 700000); h.flush(); h.pwrite(b"w" * 50000, 700000); h.flush()' \
  -c "import os, signal; os.kill($server, signal.SIGKILL)"
put 0x77 700000 50000
wait "$server" 2>/dev/null || true
unset "running[$server]"
as_image disk v plain
attach qemu:raw:rbd:rbd/disk
timeout 60 qemu-io -f raw -c 'write -P 0x78 700000 50000' -c flush "$uri"
put 0x78 700000 50000
detach
as_image disk v plain

note "the cluster's configuration is named by the payload, not by the environment"
conf=$CEPH_CONF
export CEPH_CONF=$tmp/nonexistent
attach "qemu:raw:rbd:rbd/disk:conf=$conf"
qemu-io -f raw -c 'write -P 0x79 800000 5000' -c flush "$uri"
put 0x79 800000 5000
stop "$server"
export CEPH_CONF=$conf
as_image disk v plain

note "discards reach the image with discard=true"
# used: the bytes that the image takes.
used() { rbd diff --format json disk | jq 'map(select(.exists == "true").length) | add'; }
before=$(used)
attach qemu:raw:rbd:rbd/disk
if nbdinfo --can trim "$uri"; then fail "trims without discard=true"; fi
detach
attach qemu:raw:rbd:rbd/disk discard=true
qemu-io -d unmap -f raw -c 'discard 12M 8M' -c flush "$uri"
detach
[ "$(used)" = $((before - (8 << 20))) ] || fail "$before bytes, and still $(used) after 8 MiB were discarded"

note "an image that grew"
rbd resize --no-progress --size 28M disk
attach qemu:raw:rbd:rbd/disk
[ "$(nbdinfo --size "$uri")" = $((28 << 20)) ] || fail "size: $(nbdinfo --size "$uri")"
qemu-io -f raw -c 'write -P 0x33 25M 3M' -c flush "$uri"
detach
attach qemu:raw:rbd:rbd/disk
qemu-io -f raw -c 'read -P 0x33 25M 3M' -c 'read -P 0x79 800000 5000' "$uri" >"$tmp/qemu-io.log"
if grep 'verification failed' "$tmp/qemu-io.log"; then fail "other bytes are read after growth"; fi
detach
