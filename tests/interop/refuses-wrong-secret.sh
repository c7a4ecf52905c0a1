#!/bin/bash
# A secret that opens nothing.
. "$(dirname -- "$0")/lib.sh"

make_luks1 one 256K
make_luks2 two 256K
make_luks2 argon 256K --pbkdf argon2id "${cheap_argon2[@]}"
printf 'not the secret' >"$tmp/wrong"
: >"$tmp/empty"
secrets+=("$tmp/wrong")
for name in one two argon; do
  volume=("header=$tmp/$name.header" "payload=$tmp/$name.payload")
  refused '(secret|key ?slot)' "${volume[@]}" "secret=$tmp/wrong"
  if grep -iq newline "$tmp/refused.err"; then fail "speaks of a newline that is not there"; fi
  wrong=$(cat "$tmp/refused.err")
  refused 'empty' "${volume[@]}" "secret=$tmp/empty"
  [ "$wrong" != "$(cat "$tmp/refused.err")" ] || fail "empty and wrong are told apart by nothing"
done

note "longer than a secret may be"
truncate -s 9M "$tmp/long"
refused '8 ?MiB|large|long|8388608' "${volume[@]}" "secret=$tmp/long"
