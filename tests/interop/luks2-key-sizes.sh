#!/bin/bash
# LUKS2 with AES-128 and AES-256 in XTS mode, whose keys are twice as long.
. "$(dirname -- "$0")/lib.sh"

for bits in 256 512; do
  note "$bits bits"
  make_luks2 "k$bits" 1M --key-size "$bits" --sector-size 512
  agree "k$bits" 512
done
