#!/bin/bash
# Every key slot's secret opens the volume; keyslot= asks for one alone; secret= may repeat.
. "$(dirname -- "$0")/lib.sh"

try_slots() { # NAME
  local name=$1
  printf 'the second secret' >"$tmp/second"
  printf 'nobody knows this' >"$tmp/wrong"
  secrets+=("$tmp/second" "$tmp/wrong")
  cryptsetup luksAddKey --batch-mode --key-file "$tmp/$name.secret" --key-slot 3 \
    "${cheap_pbkdf2[@]}" "$tmp/$name.header" "$tmp/second"
  noise 256K >"$tmp/plain"
  encrypted "$name" 512 <"$tmp/plain" >"$tmp/$name.payload"

  opens() { # PARAMETER…
    serve "header=$tmp/$name.header" "payload=$tmp/$name.payload" "$@"
    nbdcopy "$uri" "$tmp/read"
    stop "$server"
    same "$tmp/plain" "$tmp/read"
  }
  fails() { # REGEX PARAMETER…
    refused "$1" "header=$tmp/$name.header" "payload=$tmp/$name.payload" "${@:2}"
  }

  opens "secret=$tmp/$name.secret"
  opens "secret=$tmp/second"
  opens "secret=$tmp/second" keyslot=3
  opens "secret=$tmp/wrong" "secret=$tmp/second" # the second one is tried too
  opens "passphrase=+$tmp/second"
  opens "secret=$tmp/wrong" "passphrase=+$tmp/second"
  fails 'key ?slot' "secret=$tmp/second" keyslot=0  # it opens another slot, not this one
  fails 'key ?slot' "secret=$tmp/second" keyslot=5  # nothing in it
  fails 'keyslot' "secret=$tmp/second" keyslot=900  # no such slot
  fails 'keyslot' "secret=$tmp/second" keyslot=some
  fails 'secret|key ?slot' "secret=$tmp/wrong" "secret=$tmp/wrong"
}

make_luks1 one 256K
try_slots one
make_luks2 two 256K --sector-size 512
try_slots two
