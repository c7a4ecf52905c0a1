#!/bin/bash
# LUKS2 with Argon2i and Argon2id, one lane and several.
. "$(dirname -- "$0")/lib.sh"

for kdf in argon2i argon2id; do
  for lanes in 1 2; do
    note "$kdf, $lanes lanes"
    make_luks2 "$kdf$lanes" 256K --pbkdf "$kdf" "${cheap_argon2[@]}" --pbkdf-parallel "$lanes" --sector-size 4096
    agree "$kdf$lanes" 4096
  done
done
