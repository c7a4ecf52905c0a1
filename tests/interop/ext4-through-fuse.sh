#!/bin/bash
# A real file system on the export without a kernel client: made, mounted, filled, unmounted, found
# clean by fsck, and the same after the server was started again.
. "$(dirname -- "$0")/lib.sh"

[ -e /dev/fuse ] || skip "no /dev/fuse here"
mkdir "$tmp/nbd" "$tmp/fs"
make_luks2 v 48M --sector-size 4096
parameters v

# Both stay in the foreground, so that waiting for them means that everything is written.
attach() { # the export as the file $tmp/nbd/nbd
  serve "${parameters[@]}"
  nbdfuse "$tmp/nbd" "$uri" &
  nbdfuse=$!
  defer stop_quietly "$nbdfuse"
  eventually test -f "$tmp/nbd/nbd"
}
detach() {
  fusermount3 -u "$tmp/nbd"
  wait "$nbdfuse"
  stop "$server"
}
mount_it() { # OPTIONS
  fuse2fs -f -o "$1" "$tmp/nbd/nbd" "$tmp/fs" &
  fuse2fs=$!
  defer stop_quietly "$fuse2fs"
  eventually mountpoint "$tmp/fs"
}
unmount_it() {
  fusermount3 -u "$tmp/fs"
  wait "$fuse2fs"
}
contents() { (cd "$tmp/fs" && find . -type f ! -path './lost+found/*' -exec sha256sum {} + | sort -k 2); }

attach
mkfs.ext4 -q -F "$tmp/nbd/nbd"
mount_it fakeroot
noise 8M >"$tmp/fs/large"
mkdir -p "$tmp/fs/a/b/c"
for n in $(seq 60); do noise "$((n * 333))" >"$tmp/fs/a/b/c/$n"; done
mv "$tmp/fs/a/b/c/7" "$tmp/fs/a/seven"
rm "$tmp/fs/a/b/c/8"
printf 'overwritten' | dd of="$tmp/fs/large" bs=1 seek=1234567 conv=notrunc status=none
contents >"$tmp/contents"
[ "$(wc -l <"$tmp/contents")" = 60 ] || fail "files: $(cat "$tmp/contents")"
unmount_it
e2fsck -f -n "$tmp/nbd/nbd"
detach

note "again, after a restart"
attach
e2fsck -f -n "$tmp/nbd/nbd"
mount_it ro
contents >"$tmp/contents-again"
unmount_it
detach
same "$tmp/contents" "$tmp/contents-again"

note "and by libgcrypt, without the plugin"
decrypted v 4096 >"$tmp/decrypted"
e2fsck -f -n "$tmp/decrypted"
