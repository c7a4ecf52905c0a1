#!/bin/bash
# The header as luksFormat makes it by default, but for the cost: 16 MiB, sector size and key slot
# area chosen by cryptsetup.
. "$(dirname -- "$0")/lib.sh"

make_volume v 4M --type luks2 "${cheap_argon2[@]}"
sector_size=$(cryptsetup luksDump "$tmp/v.header" | sed -n 's/.*sector: *\([0-9]*\).*/\1/p')
note "sector size $sector_size, header of $(stat -c %s "$tmp/v.header") bytes"
agree v "$sector_size"
