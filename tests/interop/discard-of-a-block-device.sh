#!/bin/bash
# With discard=true clients can free whole sectors of a block device, which has no way to tell where it
# has holes.
. "$(dirname -- "$0")/lib.sh"
. "$here/discards.sh"

make_luks2 v 4M --sector-size 4096
noise 4M >"$tmp/plain"
encrypted v 4096 <"$tmp/plain" >"$tmp/v.payload"
loop=$(losetup -f --show "$tmp/v.payload" 2>"$tmp/losetup.err") ||
  skip "no loop device here: $(cat "$tmp/losetup.err")"
defer losetup -d "$loop"
serve "header=$tmp/v.header" "payload=$loop" "secret=$tmp/v.secret" discard=true
free_the_middle
map_is "$all_is_data"
stop "$server"
[ "$(kept "$tmp/v.payload")" -le 2200 ] || fail "the storage got nothing back"
