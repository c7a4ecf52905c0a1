#!/bin/bash
# When the payload's storage loses its volatile cache at a random moment, every write is there that
# was acknowledged with FUA or before a flush, and nothing else changed but what was written last.
. "$(dirname -- "$0")/lib.sh"
. "$here/faults.sh"

make_luks2 small 4M --sector-size 512
make_luks2 large 4M --sector-size 4096
disk() { # NAME PARAMETER…: the command of a server with the payload of that volume
  printf '%q ' nbdkit "$volatile_cache" "file=$tmp/$1.payload" "${@:2}"
}

# What the storage writes at once is a sector: of a sector that it tears, durable bytes may get lost
# on any disk.
note "blocks and sectors of 512 bytes"
interrupt small 512 "$(disk small block=512)" --power-cut --rounds "$(rounds 70 25)"
note "blocks and sectors of 4096 bytes"
interrupt large 4096 "$(disk large block=4096)" --power-cut --rounds "$(rounds 50 20)"
note "storage without FUA"
interrupt small 512 "$(disk small block=512 fua=false)" --power-cut --rounds "$(rounds 30 10)"

# The same must notice a disk that does not do what it says.
for lie in flush fua; do
  note "storage that lies about $lie"
  if interrupt small 512 "$(disk small "lies=$lie")" --power-cut --rounds 30 2>"$tmp/lie"; then
    fail "not noticed"
  fi
  matches 'is none of its' "$tmp/lie"
done
