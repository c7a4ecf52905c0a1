# What the tests of discard=true share.
# shellcheck shell=bash disable=SC2154  # variables of lib.sh

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
