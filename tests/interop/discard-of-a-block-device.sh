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

note "a device of 4096 byte blocks and sectors of 512: only whole blocks can be freed"
make_luks2 small 4M --sector-size 512
noise 4M >"$tmp/plain"
encrypted small 512 <"$tmp/plain" >"$tmp/small.payload"
if ! loop=$(losetup -f --show -b 4096 "$tmp/small.payload" 2>"$tmp/losetup.err"); then
  skip "no such loop device here: $(cat "$tmp/losetup.err")"
fi
defer eval "losetup -d $loop 2>/dev/null || true"
serve "header=$tmp/small.header" "payload=$loop" "secret=$tmp/small.secret" discard=true
nbd_shell -u "$uri" -c "plain = '$tmp/plain'" -c - <<'END'
import nbd
model = open(plain, "rb").read()
h.trim(512, 0)
h.trim(4096, 512)
assert h.pread(len(model), 0) == model
h.trim(1 << 20, 512, nbd.CMD_FLAG_FUA)
found = h.pread(len(model), 0)
assert found[:4096] == model[:4096] and found[1 << 20 :] == model[1 << 20 :]
assert found[4096 : 1 << 20] != model[4096 : 1 << 20]
END
stop "$server"
