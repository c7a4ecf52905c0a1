#!/bin/bash
# With discard=true clients can free whole sectors of the payload and see where it has holes; what
# is read there is noise, never said to be zero. Files and NBD servers as payload.
. "$(dirname -- "$0")/lib.sh"
. "$here/discards.sh"

make_luks2 v 4M --sector-size 4096
noise 4M >"$tmp/plain"

for kind in file nbd; do
  note "$kind"
  encrypted v 4096 <"$tmp/plain" >"$tmp/v.payload"
  payload=$tmp/v.payload
  if [ $kind = nbd ]; then
    serve_plain file "$payload"
    payload=$uri
  fi
  serve "header=$tmp/v.header" "payload=$payload" "secret=$tmp/v.secret" discard=true
  free_the_middle
  map_is "$middle_is_a_hole"
  stop "$server"
  [ "$(kept "$tmp/v.payload")" -le 2200 ] || fail "the storage got nothing back"
done

note "qemu-img compare takes a hole for zeroes: the export differs from every copy of it"
encrypted v 4096 <"$tmp/plain" >"$tmp/v.payload"
parameters v
serve "${parameters[@]}" discard=true
nbd_shell -u "$uri" -c 'h.trim(1 << 20, 1 << 20)'
qemu-img convert -f raw -O raw "$uri" "$tmp/copy"
nbdcopy --no-extents "$uri" "$tmp/bytes"
same "$tmp/copy" "$tmp/bytes"
if qemu-img compare -f raw -F raw "$uri" "$tmp/copy" >"$tmp/compare" 2>&1; then
  fail "the man page says that they differ"
fi
stop "$server"

note "without discard=true all is data, and it is the same"
serve "${parameters[@]}"
map_is "$all_is_data"
[ "$(nbdinfo --json "$uri" | jq '.exports[0].can_trim')" = false ] || fail "TRIM is offered"
qemu-img convert -f raw -O raw "$uri" "$tmp/copy"
qemu-img compare -f raw -F raw "$uri" "$tmp/copy"
stop "$server"

note "a payload that may only be read is not discarded; one whose server knows no holes has none"
serve -r "${parameters[@]}" discard=true
[ "$(nbdinfo --json "$uri" | jq '.exports[0].can_trim')" = false ] || fail "TRIM is offered"
map_is 'any(.[]; .type == 1)'
stop "$server"
serve_plain --filter=noextents file "$tmp/v.payload"
serve "header=$tmp/v.header" "payload=$uri" "secret=$tmp/v.secret" discard=true
map_is "$all_is_data"
stop "$server"

note "who asks for one extent at a time sees the same; a file in very small pieces is told in parts"
truncate -s 0 "$tmp/v.payload"
truncate -s 4M "$tmp/v.payload"
/usr/bin/python3 - "$tmp/v.payload" <<'END'
import sys
with open(sys.argv[1], "r+b") as payload:
    for at in range(0, 4 << 20, 20480):
        payload.seek(at)
        payload.write(b"x" * 4096)
    payload.truncate(1 << 30)
    for at in range(4 << 20, 1 << 30, 8192):
        payload.seek(at)
        payload.write(b"x")
END
serve "${parameters[@]}" discard=true
/usr/bin/python3 - "$uri" <<'END'
import sys, nbd
h = nbd.NBD()
h.add_meta_context(nbd.CONTEXT_BASE_ALLOCATION)
h.connect_uri(sys.argv[1])
def walk(end, flags):
    found, at = [], 0
    while at < end:
        told = []
        h.block_status(end - at, at, lambda context, offset, entries, error: told.extend(entries), flags)
        for length, kind in zip(told[::2], told[1::2]):
            if found and found[-1][1] == kind:
                found[-1][0] += length
            else:
                found.append([length, kind])
            at += length
        assert flags == 0 or len(told) == 2, told
    return found
assert walk(4 << 20, 0) == walk(4 << 20, nbd.CMD_FLAG_REQ_ONE)
told = []
h.block_status(1 << 30, 0, lambda context, offset, entries, error: told.append(len(entries) // 2))
assert told == [65536], told
assert len(walk(1 << 30, 0)) > 200_000
END
stop "$server"
