#!/bin/bash
# With discard=true clients can free whole sectors of the payload and see where it has holes; what
# is read there is noise, never said to be zero. Files, block devices and NBD servers as payload.
. "$(dirname -- "$0")/lib.sh"

kept() { # FILE: what the file system keeps of it, in KiB
  echo $(($(stat -c '%b * %B / 1024' "$1")))
}

# Frees [1 MiB + 100, 3 MiB + 100) of an export of 4 MiB; nothing else may change.
free_the_middle() {
  [ "$(nbdinfo --json "$uri" | jq '.exports[0].can_trim')" = true ] || fail "TRIM is not offered"
  nbd_shell -u "$uri" -c "plain = '$tmp/plain'" -c - <<'END'
import nbd
MIB = 1 << 20
model = open(plain, "rb").read()
h.trim(2 * MIB, MIB + 100, nbd.CMD_FLAG_FUA)
h.trim(4000, 10)  # less than a sector
begin, end = MIB + 4096, 3 * MIB
found = h.pread(4 * MIB, 0)
assert found[:begin] == model[:begin] and found[end:] == model[end:], "more was freed than asked"
assert found[begin:end] != model[begin:end], "nothing was freed"
assert any(found[begin:end]), "what was freed must not look like zeroes"
# Written again it is there again.
h.pwrite(model[begin:end], begin)
assert h.pread(4 * MIB, 0) == model
h.trim(2 * MIB, MIB + 100)
END
}

map_is() { # JQ-TEST
  local map=$tmp/map
  /usr/bin/python3 - "$uri" >"$map" <<'END'
import json, sys, nbd
h = nbd.NBD()
h.add_meta_context(nbd.CONTEXT_BASE_ALLOCATION)
h.connect_uri(sys.argv[1])
extents = []
def add(context, offset, entries, error):
    extents.extend({"length": entries[i], "type": entries[i + 1]} for i in range(0, len(entries), 2))
at = 0
while at < h.get_size():
    h.block_status(h.get_size() - at, at, add)
    at = sum(e["length"] for e in extents)
json.dump(extents, sys.stdout)
END
  [ "$(jq "$1" "$map")" = true ] || fail "not so: $1: $(cat "$map")"
}

middle_is_a_hole='[.[] | [.length, .type]] == [[1052672, 0], [2093056, 1], [1048576, 0]]'
all_is_data='[.[].type] | unique == [0]'

make_luks2 v 4M --sector-size 4096
noise 4M >"$tmp/plain"

for kind in file nbd device; do
  note "$kind"
  encrypted v 4096 <"$tmp/plain" >"$tmp/v.payload"
  payload=$tmp/v.payload
  case $kind in
    nbd)
      serve_plain file "$payload"
      payload=$uri
      ;;
    device)
      if ! loop=$(losetup -f --show "$payload" 2>"$tmp/losetup.err"); then
        note "no loop device here: $(cat "$tmp/losetup.err")"
        continue
      fi
      defer eval "losetup -d $loop 2>/dev/null || true"
      payload=$loop
      ;;
  esac
  serve "header=$tmp/v.header" "payload=$payload" "secret=$tmp/v.secret" discard=true
  free_the_middle
  # A device has no way to tell where its holes are.
  if [ "$kind" = device ]; then map_is "$all_is_data"; else map_is "$middle_is_a_hole"; fi
  stop "$server"
  [ "$kind" != device ] || losetup -d "$loop"
  [ "$(kept "$tmp/v.payload")" -le 2200 ] || fail "the storage got nothing back"
done

note "qemu-img takes a hole for nothing: its copy differs from the export"
encrypted v 4096 <"$tmp/plain" >"$tmp/v.payload"
parameters v
serve "${parameters[@]}" discard=true
nbd_shell -u "$uri" -c 'h.trim(1 << 20, 1 << 20)'
qemu-img convert -f raw -O raw "$uri" "$tmp/copy"
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

note "a device of 4096 byte blocks and sectors of 512: only whole blocks can be freed"
make_luks2 small 4M --sector-size 512
noise 4M >"$tmp/plain"
encrypted small 512 <"$tmp/plain" >"$tmp/small.payload"
if ! loop=$(losetup -f --show -b 4096 "$tmp/small.payload" 2>"$tmp/losetup.err"); then
  note "no such loop device here: $(cat "$tmp/losetup.err")"
  exit 0
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
