#!/bin/bash
# LUKS1 with each hash that PBKDF2, the anti-forensic stripes and the digest share.
. "$(dirname -- "$0")/lib.sh"

for hash in "${hashes[@]}"; do
  note "$hash"
  make_luks1 "$hash" 1M --hash "$hash"
  agree "$hash" 512
done
