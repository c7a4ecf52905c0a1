#!/bin/bash
# The header is read when the server starts, and not needed any more: new clients come and go.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 1M --sector-size 512
noise 1M >"$tmp/plain"
encrypted v 512 <"$tmp/plain" >"$tmp/v.payload"
cp "$tmp/v.header" "$tmp/h"

note "a file that is deleted"
serve "header=$tmp/h" "payload=$tmp/v.payload" "secret=$tmp/v.secret"
rm "$tmp/h"
for _ in 1 2; do
  nbdcopy "$uri" "$tmp/read"
  same "$tmp/plain" "$tmp/read"
done
stop "$server"

note "a server that stops"
serve_plain -r file "$tmp/v.header"
header_server=$server
serve "header=$uri" "payload=$tmp/v.payload" "secret=$tmp/v.secret"
stop "$header_server"
nbdcopy "$uri" "$tmp/read"
same "$tmp/plain" "$tmp/read"
