#!/bin/bash
# The volume key itself opens a volume whose key slots are lost, and no other key does.
. "$(dirname -- "$0")/lib.sh"

make_luks1 one 256K
make_luks2 two 256K --sector-size 512
make_luks2 short 256K --sector-size 512 --key-size 256
for name in one two short; do volume_key "$name"; done

# recovered NAME HEADER: what is written through it is what libgcrypt decrypts.
recovered() {
  local before
  before=$(sha256sum <"$2")
  noise 256K >"$tmp/plain"
  serve -v "header=$2" "payload=$tmp/$1.payload" "volume-key=$tmp/$1.rawkey"
  nbdcopy --flush "$tmp/plain" "$uri"
  stop "$server"
  decrypted "$1" 512 >"$tmp/decrypted"
  same "$tmp/plain" "$tmp/decrypted"
  matches 'unlocked by its volume key' "$log"
  [ "$before" = "$(sha256sum <"$2")" ] || fail "the header was written"
}

# wrong REGEX HEADER KEY
wrong() {
  refused "is not the volume key of .*$1" "header=$2" "payload=$tmp/two.payload" "volume-key=$3"
}

note "a header that has lost nothing"
for name in one two short; do
  secrets+=("$tmp/$name.rawkey")
  recovered "$name" "$tmp/$name.header"
done

note "no key slots"
for name in one two short; do
  cp "$tmp/$name.header" "$tmp/erased"
  cryptsetup erase --batch-mode "$tmp/erased"
  watch "$tmp/erased"
  refused 'no key slot holds' "header=$tmp/erased" "payload=$tmp/$name.payload" \
    "secret=$tmp/$name.secret"
  recovered "$name" "$tmp/erased"
done

note "no key material"
for name in one two short; do
  cp "$tmp/$name.header" "$tmp/wiped"
  case $name in one) metadata=4096 ;; *) metadata=32768 ;; esac
  noise "$(($(stat -c %s "$tmp/wiped") - metadata))" |
    dd of="$tmp/wiped" bs=4096 seek=$((metadata / 4096)) conv=notrunc status=none
  recovered "$name" "$tmp/wiped"
  head -c "$metadata" "$tmp/$name.header" >"$tmp/cut"
  recovered "$name" "$tmp/cut"
done
head -c 592 "$tmp/one.header" >"$tmp/cut"
recovered one "$tmp/cut"

note "another key, of another volume too"
noise 64 >"$tmp/noise"
make_luks2 other 256K
volume_key other
cp "$tmp/two.header" "$tmp/erased"
cryptsetup erase --batch-mode "$tmp/erased"
for header in "$tmp/two.header" "$tmp/erased"; do
  wrong "the header's digest is of another key" "$header" "$tmp/noise"
  wrong "the header's digest is of another key" "$header" "$tmp/other.rawkey"
done

note "another length: also a key with zeros behind it, whose digest is the same"
cp "$tmp/short.header" "$tmp/erased"
cryptsetup erase --batch-mode "$tmp/erased"
{ cat "$tmp/short.rawkey"; head -c 32 /dev/zero; } >"$tmp/padded"
{ cat "$tmp/short.rawkey"; echo; } >"$tmp/newline"
: >"$tmp/empty"
for file in padded newline short.key; do
  refused "it has .* bytes, that one has 32" "header=$tmp/short.header" \
    "payload=$tmp/short.payload" "volume-key=$tmp/$file"
done
refused "without the zeros at its end" "header=$tmp/erased" "payload=$tmp/short.payload" \
  "volume-key=$tmp/padded"
refused "which no key of aes-xts-plain64 has" "header=$tmp/erased" "payload=$tmp/short.payload" \
  "volume-key=$tmp/newline"
refused "empty" "header=$tmp/erased" "payload=$tmp/short.payload" "volume-key=$tmp/empty"

note "luksdetached test"
"$build/server/luksdetached" test --volume-key "$tmp/short.rawkey" "$tmp/erased" >"$tmp/test.out"
matches 'unlocked by its volume key' "$tmp/test.out"
status=0
"$build/server/luksdetached" test --volume-key "$tmp/noise" "$tmp/erased" >"$tmp/test.out" 2>&1 || status=$?
[ "$status" = "$("$build/server/luksdetached" test --secret "$tmp/two.secret" "$tmp/short.header" >/dev/null 2>&1; echo $?)" ] ||
  fail "status $status is not that of a wrong secret"
