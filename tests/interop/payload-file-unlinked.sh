#!/bin/bash
# A payload file that is removed while it is served goes on being served, to new clients too.
. "$(dirname -- "$0")/lib.sh"
. "$here/faults.sh"

make_luks2 v 1M --sector-size 512
plain v 512
parameters v
serve "${parameters[@]}"
ln "$tmp/v.payload" "$tmp/kept"
rm "$tmp/v.payload"
noise 1M >"$tmp/v.payload" # of the same name, but not the file
sum=$(sha256sum <"$tmp/v.payload")
cp "$tmp/model" "$tmp/plain"
/usr/bin/python3 "$here/random_operations.py" --plain "$tmp/plain" --operations 50 "$uri" "$tmp/model"
stop "$server"
[ "$sum" = "$(sha256sum <"$tmp/v.payload")" ] || fail "the other file was written"
mv "$tmp/kept" "$tmp/v.payload"
as_model v 512
