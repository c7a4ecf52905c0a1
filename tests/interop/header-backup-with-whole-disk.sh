#!/bin/bash
# A header backup of an ordinary volume works with its whole disk: the payload begins where the
# header says, and the disk's own header is not touched.
. "$(dirname -- "$0")/lib.sh"

for type in luks1 luks2; do
  note "$type"
  printf 'a secret of the disk' >"$tmp/$type.secret"
  truncate -s 20M "$tmp/$type.payload"
  cryptsetup luksFormat --batch-mode --type "$type" "${cheap_pbkdf2[@]}" \
    --key-file "$tmp/$type.secret" "$tmp/$type.payload"
  cryptsetup luksHeaderBackup --batch-mode --header-backup-file "$tmp/$type.header" "$tmp/$type.payload"
  if [ "$type" = luks1 ]; then
    offset=$((512 * $(cryptsetup luksDump "$tmp/$type.header" | sed -n 's/^Payload offset:[ \t]*//p')))
    sector_size=512
  else
    offset=$(cryptsetup luksDump "$tmp/$type.header" | sed -n 's/.*offset: \([0-9]*\) \[bytes\]/\1/p' | head -n 1)
    sector_size=$(cryptsetup luksDump "$tmp/$type.header" | sed -n 's/.*sector: *\([0-9]*\).*/\1/p')
  fi
  note "offset $offset, sector size $sector_size"
  [ "$offset" -ge 1048576 ] || fail "cryptsetup's offset: $offset"
  head -c "$offset" "$tmp/$type.payload" | sha256sum >"$tmp/before"

  parameters "$type"
  serve "${parameters[@]}"
  size=$(nbdinfo --size "$uri")
  [ "$size" = $((20 * 1024 * 1024 - offset)) ] || fail "size $size"
  noise "$size" >"$tmp/plain"
  nbdcopy --flush "$tmp/plain" "$uri"
  nbdcopy "$uri" "$tmp/read"
  stop "$server"
  same "$tmp/plain" "$tmp/read"
  decrypted "$type" "$sector_size" "$offset" >"$tmp/decrypted"
  same "$tmp/plain" "$tmp/decrypted"
  head -c "$offset" "$tmp/$type.payload" | sha256sum >"$tmp/after"
  same "$tmp/before" "$tmp/after"
done
