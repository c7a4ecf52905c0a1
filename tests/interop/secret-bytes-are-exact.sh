#!/bin/bash
# A secret file is used byte for byte: newlines and NULs belong to it. Where a newline at the end is
# the likely reason why it does not unlock, the message says so.
. "$(dirname -- "$0")/lib.sh"

opens() { # SECRET
  serve "header=$tmp/v.header" "payload=$tmp/v.payload" "secret=$1"
  nbdinfo --size "$uri"
  stop "$server"
}

printf 'with a\nnewline, a NUL \0 and one more at the end\n' >"$tmp/v.secret"
make_luks2 v 256K --sector-size 512
opens "$tmp/v.secret"
printf 'with a\nnewline, a NUL \0 and one more at the end' >"$tmp/shorter"
printf 'with a\nnewline, a NUL ' >"$tmp/cut"
for secret in shorter cut; do
  refused 'secret|key ?slot' "header=$tmp/v.header" "payload=$tmp/v.payload" "secret=$tmp/$secret"
  if grep -Fiq newline "$tmp/refused.err"; then fail "speaks of a newline that is not there"; fi
done

printf 'typed with an editor' >"$tmp/w.secret"
make_luks1 w 256K
printf 'typed with an editor\n' >"$tmp/edited"
secrets+=("$tmp/edited")
refused 'newline' "header=$tmp/w.header" "payload=$tmp/w.payload" "secret=$tmp/edited"
