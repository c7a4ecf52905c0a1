#!/bin/bash
# Whatever the server of a header or of a payload says or does not say when a volume is opened, the
# plugin starts, or refuses with one line within its time limits.
. "$(dirname -- "$0")/lib.sh"
. "$here/hostile.sh"

make_luks2 v 1M --sector-size 512
cp "$tmp/v.header" "$tmp/v.payload" "$tmp/v.secret" "$tmp" 2>/dev/null || true
