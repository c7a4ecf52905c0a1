#!/bin/bash
# Headers that are cut off, overwritten or no LUKS headers at all: said where, and nothing repaired.
. "$(dirname -- "$0")/lib.sh"

make_luks1 one 256K
make_luks2 two 256K
damaged() { # REGEX NAME
  watch "$tmp/bad"
  refused "$1" "header=$tmp/bad" "payload=$tmp/$2.payload" "secret=$tmp/$2.secret"
}
cut='(truncat|short|cut|small|ends|beyond|bytes)'
for size in 1 6 100 512 591 592 4096; do
  head -c "$size" "$tmp/one.header" >"$tmp/bad"
  damaged "$cut|not a LUKS|no LUKS" one
done
head -c 100000 "$tmp/one.header" >"$tmp/bad" # within the key material of slot 0
damaged "$cut" one
for size in 1 8 512 4095 4096 16383; do
  head -c "$size" "$tmp/two.header" >"$tmp/bad"
  damaged "$cut|not a LUKS|no LUKS" two
done
head -c 50000 "$tmp/two.header" >"$tmp/bad"
damaged "$cut" two

note "not LUKS"
: >"$tmp/bad"
damaged 'empty|LUKS|short|truncat' two
noise 1M >"$tmp/bad"
damaged 'LUKS' two
truncate -s 0 "$tmp/bad"; truncate -s 1M "$tmp/bad"
damaged 'LUKS' two
mkfs.ext4 -q -F "$tmp/bad" 1M
damaged 'LUKS' two

note "both LUKS2 copies damaged; one alone is repaired in memory only"
overwrite() { noise 64 | dd of="$tmp/bad" bs=1 seek="$1" conv=notrunc status=none; }
cp "$tmp/two.header" "$tmp/bad"
overwrite 5000
overwrite $((16384 + 5000))
damaged 'checksum|damaged|corrupt' two
for copy in 0 16384; do
  cp "$tmp/two.header" "$tmp/bad"
  overwrite $((copy + 5000))
  before=$(sha256sum <"$tmp/bad")
  serve "header=$tmp/bad" "payload=$tmp/two.payload" "secret=$tmp/two.secret"
  matches 'warning' "$log"
  stop "$server"
  [ "$before" = "$(sha256sum <"$tmp/bad")" ] || fail "the damaged copy was written"
done
