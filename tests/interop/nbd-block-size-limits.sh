#!/bin/bash
# A payload server with limits on requests is never sent one outside them, whatever clients ask for.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 4M --sector-size 512
serve_plain --filter=blocksize-policy file "$tmp/v.payload" blocksize-minimum=4096 \
  blocksize-preferred=65536 blocksize-maximum=131072 blocksize-error-policy=error
serve "header=$tmp/v.header" "payload=$uri" "secret=$tmp/v.secret"

noise 4M >"$tmp/plain"
nbdcopy --request-size=2097152 --flush "$tmp/plain" "$uri"
nbdcopy --request-size=2097152 "$uri" "$tmp/read"
same "$tmp/plain" "$tmp/read"

/usr/bin/python3 "$here/random_operations.py" --plain "$tmp/plain" --operations 200 \
  --largest 300000 "$uri" "$tmp/model"
stop "$server"
decrypted v 512 >"$tmp/decrypted"
same "$tmp/model" "$tmp/decrypted"
