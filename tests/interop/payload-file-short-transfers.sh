#!/bin/bash
# Reads and writes that the payload's file does in part, and calls that a signal interrupts, are
# invisible to clients: bytes are as a model of them says, and so they are on the storage.
. "$(dirname -- "$0")/lib.sh"
. "$here/faults.sh"

for size in 512 4096; do
  note "sectors of $size bytes"
  make_luks2 "s$size" 1M --sector-size "$size"
  plain "s$size" "$size"
  cat >"$fault" <<'END'
read EINTR chance=20
read short chance=40
read short=1 chance=10
write EINTR chance=20
write short chance=40
write short=1 chance=10
sync EINTR chance=70
END
  rm -f "$fault.log"
  serve_faulty "s$size"
  cp "$tmp/model" "$tmp/plain"
  /usr/bin/python3 "$here/random_operations.py" --plain "$tmp/plain" --operations "$(rounds 300 40)" "$uri" \
    "$tmp/model"
  stop "$server"
  as_model "s$size" "$size"
  for done in 'read EINTR' 'read short' 'write EINTR' 'write short' 'sync EINTR'; do
    grep -q "^$done" "$fault.log" || fail "there was no $done"
  done
done
