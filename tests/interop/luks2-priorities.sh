#!/bin/bash
# A LUKS2 key slot with priority "ignore" opens only when keyslot= asks for it, as in cryptsetup; a
# secret that is in vain without it is told so.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 256K --sector-size 512
cryptsetup config --batch-mode "$tmp/v.header" --key-slot 0 --priority ignore
parameters v
refused "every key slot has the priority 'ignore'" "${parameters[@]}"
serve "${parameters[@]}" keyslot=0
nbdinfo --size "$uri"

make_luks2 w 256K --sector-size 512
printf 'another secret' >"$tmp/another"
cryptsetup luksAddKey --batch-mode --key-file "$tmp/w.secret" "${cheap_pbkdf2[@]}" --key-slot 1 "$tmp/w.header" "$tmp/another"
cryptsetup config --batch-mode "$tmp/w.header" --key-slot 0 --priority ignore
parameters w
refused "not tried for their priority 'ignore': 0 .keyslot=N" "${parameters[@]}"
serve "${parameters[@]}" keyslot=0
nbdinfo --size "$uri"
