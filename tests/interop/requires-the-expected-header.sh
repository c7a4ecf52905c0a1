#!/bin/bash
# LUKS does not authenticate its header, so a user may say what it must be; and what deriving its key
# may cost. Another one is refused with both values; the expected one is served.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 256K --pbkdf argon2id --pbkdf-memory 131072 --pbkdf-force-iterations 4 --pbkdf-parallel 1
make_luks2 p 256K
parameters v
served() {
  serve "${parameters[@]}" "$@"
  stop "$server"
}
uuid=$(cryptsetup luksUUID "$tmp/v.header")
digest=$(sha256sum "$tmp/v.header" | cut -d' ' -f1)

note "the expected one"
served require-luks=2 "require-uuid=$uuid" require-cipher=aes-xts-plain64 "header-sha256=$digest"

note "another one"
refused "require-luks=1, but it has 2" "${parameters[@]}" require-luks=1
refused "require-uuid=$uuid, but it has " "header=$tmp/p.header" "payload=$tmp/p.payload" \
  "secret=$tmp/p.secret" "require-uuid=$uuid"
refused "require-cipher=serpent-xts-plain64, but it has aes-xts-plain64" "${parameters[@]}" \
  require-cipher=serpent-xts-plain64
refused "header-sha256=$digest, but it has " "header=$tmp/p.header" "payload=$tmp/p.payload" \
  "secret=$tmp/p.secret" "header-sha256=$digest"

note "one byte of an unused key slot"
cp "$tmp/v.header" "$tmp/changed"
printf 'changed!' | dd of="$tmp/changed" bs=1 seek=$((2 << 20)) conv=notrunc status=none
cmp -s "$tmp/v.header" "$tmp/changed" && fail "nothing changed"
refused "header-sha256=$digest, but it has " "header=$tmp/changed" "payload=$tmp/v.payload" \
  "secret=$tmp/v.secret" "header-sha256=$digest"

note "what key derivation may cost"
served kdf-memory-max=128M
refused "Argon2 memory in KiB: the header asks for 131072, the limit is 131071" \
  "${parameters[@]}" kdf-memory-max=134217727
parameters p
served kdf-iterations-max=1000
refused "PBKDF2 iterations: the header asks for 1000, the limit is 999" "${parameters[@]}" \
  kdf-iterations-max=999
