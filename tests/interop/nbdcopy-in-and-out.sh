#!/bin/bash
# nbdcopy into the export and out of it: sizes that are no multiple of a sector, pipes, one request
# at a time and many, flushed at the end.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 3146240 --sector-size 512 # no multiple of 4096, which nbdcopy likes to ask for
noise 3146240 >"$tmp/old"
encrypted v 512 <"$tmp/old" >"$tmp/v.payload"
parameters v
serve --filter=log "${parameters[@]}" logfile="$tmp/requests"

copy() { # SIZE OPTION…: so many new bytes, over what is there
  note "$*"
  noise "$1" >"$tmp/new"
  shift
  : >"$tmp/requests"
  nbdcopy "$@" "$tmp/new" "$uri"
  cp "$tmp/requests" "$tmp/requests-in"
  dd if="$tmp/new" of="$tmp/old" bs=1M conv=notrunc status=none
  decrypted v 512 >"$tmp/decrypted"
  same "$tmp/old" "$tmp/decrypted"
  nbdcopy "$@" "$uri" "$tmp/read"
  same "$tmp/old" "$tmp/read"
}

copy 3146240
copy 3146240 --synchronous
copy 3146239 --request-size=4096 --requests=1 --flush
matches ' Flush ' "$tmp/requests-in"
copy 3000001 --request-size=32768 --requests=32 --flush
matches ' Flush ' "$tmp/requests-in"
copy 1 --flush

note "pipes"
noise 2000001 >"$tmp/new"
# shellcheck disable=SC2002  # a pipe is what this is about
cat "$tmp/new" | nbdcopy --flush -- - "$uri"
dd if="$tmp/new" of="$tmp/old" bs=1M conv=notrunc status=none
decrypted v 512 >"$tmp/decrypted"
same "$tmp/old" "$tmp/decrypted"
nbdcopy -- "$uri" - | cat >"$tmp/read"
same "$tmp/old" "$tmp/read"

note "more than the export holds"
noise 3146241 >"$tmp/new"
expect_failure nbdcopy "$tmp/new" "$uri"
decrypted v 512 >"$tmp/decrypted"
same "$tmp/old" "$tmp/decrypted"
