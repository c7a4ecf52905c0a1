#!/bin/bash
# LUKS2 with PBKDF2 and each hash; the anti-forensic stripes and the digest follow --hash too.
. "$(dirname -- "$0")/lib.sh"

for hash in "${hashes[@]}"; do
  note "$hash"
  make_luks2 "$hash" 1M --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --hash "$hash" --sector-size 512
  agree "$hash" 512
done
