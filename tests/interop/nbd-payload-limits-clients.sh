#!/bin/bash
# A payload's server that offers several connections but serves one client only is used with one.
. "$(dirname -- "$0")/lib.sh"
. "$here/faults.sh"

make_luks2 v 512K --sector-size 512
plain v 512
serve_plain --filter=limit file "$tmp/v.payload" limit=1
SECONDS=0
serve "header=$tmp/v.header" "payload=$uri" "secret=$tmp/v.secret"
[ "$SECONDS" -le 10 ] || fail "started after $SECONDS seconds"
cp "$tmp/model" "$tmp/plain"
/usr/bin/python3 "$here/random_operations.py" --plain "$tmp/plain" --operations 20 "$uri" "$tmp/model"
stop "$server"
as_model v 512
