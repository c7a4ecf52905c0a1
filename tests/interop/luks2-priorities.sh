#!/bin/bash
# A LUKS2 key slot with priority "ignore" opens only when keyslot= asks for it, as in cryptsetup.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 256K --sector-size 512
cryptsetup config --batch-mode "$tmp/v.header" --key-slot 0 --priority ignore
parameters v
refused 'key ?slot|secret' "${parameters[@]}"
serve "${parameters[@]}" keyslot=0
nbdinfo --size "$uri"
