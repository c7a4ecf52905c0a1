#!/bin/bash
# That the payload's storage turns, as its server says, is what clients are told.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 1M --sector-size 512
for turns in true false; do
  serve_plain eval get_size='echo 1M' pread='head -c "$3" /dev/zero' is_rotational="$turns || exit 3"
  serve "header=$tmp/v.header" "payload=$uri" "secret=$tmp/v.secret"
  [ "$(nbdinfo --json "$uri" | jq '.exports[0].is_rotational')" = $turns ] || fail "not $turns"
  stop "$server"
done
