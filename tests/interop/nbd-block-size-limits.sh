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

note "sectors that are larger than what the server takes at once"
make_luks2 large 1M --sector-size 4096
truncate -s 1M "$tmp/plain"
for most in 512 2048 65536; do
  serve_plain --filter=blocksize-policy file "$tmp/large.payload" blocksize-minimum=1 \
    blocksize-preferred=512 blocksize-maximum="$most" blocksize-error-policy=error
  serve "header=$tmp/large.header" "payload=$uri" "secret=$tmp/large.secret"
  nbdcopy --request-size=1048576 --flush "$tmp/plain" "$uri"
  nbdcopy --request-size=1048576 "$uri" "$tmp/read"
  same "$tmp/plain" "$tmp/read"
  stop "$server"
  decrypted large 4096 >"$tmp/decrypted"
  same "$tmp/plain" "$tmp/decrypted"
done
