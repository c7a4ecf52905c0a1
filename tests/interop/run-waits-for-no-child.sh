#!/bin/bash
# With nbdkit's --run the process that opened the volume goes on beside the one that serves it, with its
# connections to a child server: the first request does not wait for anything of that.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 1M --sector-size 4096
for payload in "nbdkit:file?file=$tmp/v.payload" "qemu:raw:$tmp/v.payload"; do
  note "$payload"
  SECONDS=0
  timeout 60 "${nbdkit_under_test[@]}" -U - "$plugin" "header=$tmp/v.header" "payload=$payload" \
    "secret=$tmp/v.secret" --run 'nbdcopy "$uri" '"$tmp/read" || fail "status $?"
  [ "$SECONDS" -le 10 ] || fail "took $SECONDS seconds"
  decrypted v 4096 >"$tmp/decrypted"
  same "$tmp/decrypted" "$tmp/read"
done
