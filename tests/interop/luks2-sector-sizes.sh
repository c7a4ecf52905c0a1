#!/bin/bash
# LUKS2 with each sector size: the tweak counts 512-byte units in all of them.
. "$(dirname -- "$0")/lib.sh"

for size in 512 1024 2048 4096; do
  note "$size bytes"
  make_luks2 "s$size" 1M --sector-size "$size"
  agree "s$size" "$size"
done
