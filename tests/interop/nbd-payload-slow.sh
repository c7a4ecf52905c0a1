#!/bin/bash
# A payload's server that is slow, and answers in another order than it was asked, is only slow.
. "$(dirname -- "$0")/lib.sh"
. "$here/faults.sh"

make_luks2 v 64K --sector-size 4096
plain v 4096
serve_plain --filter=delay file "$tmp/v.payload" rdelay=9ms wdelay=2ms delay-zero=5ms
serve "header=$tmp/v.header" "payload=$uri" "secret=$tmp/v.secret"
cp "$tmp/model" "$tmp/plain"
/usr/bin/python3 "$here/random_operations.py" --plain "$tmp/plain" --operations 80 --largest 10000 "$uri" \
  "$tmp/model"
stop "$server"
as_model v 4096
