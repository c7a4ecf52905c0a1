#!/bin/bash
# A payload that begins with a LUKS header, served from offset 0, is a mistake that would overwrite
# that header: somebody gave an ordinary volume, or the header itself.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 1M --sector-size 512
for type in luks1 luks2; do
  truncate -s 20M "$tmp/$type.disk"
  cryptsetup luksFormat --batch-mode --type "$type" "${cheap_pbkdf2[@]}" --key-file "$tmp/v.secret" "$tmp/$type.disk"
  watch "$tmp/$type.disk"
  refused 'payload.*LUKS' "header=$tmp/v.header" "payload=$tmp/$type.disk" "secret=$tmp/v.secret"
  refused 'payload.*LUKS' "header=$tmp/v.header" "payload=$tmp/$type.disk" "secret=$tmp/v.secret" payload-offset=0
done
refused 'payload.*LUKS' "header=$tmp/v.header" "payload=$tmp/v.header" "secret=$tmp/v.secret"
refused 'payload.*LUKS' -r "header=$tmp/v.header" "payload=$tmp/luks1.disk" "secret=$tmp/v.secret"

note "the same disk is served at its own offset"
serve "header=$tmp/luks2.disk" "payload=$tmp/luks2.disk" "secret=$tmp/v.secret"
[ "$(nbdinfo --size "$uri")" = $((4 << 20)) ] || fail "size $(nbdinfo --size "$uri")"
