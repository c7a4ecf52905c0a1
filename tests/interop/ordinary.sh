# Ordinary volumes, whose header is in front of the data; sourced after lib.sh, service.sh and edit.sh.
# shellcheck shell=bash disable=SC2154  # tmp and others come from lib.sh

# make_ordinary NAME OPTION…: cryptsetup makes $tmp/NAME.volume, which has $tmp/NAME.plain. $offset is where its
# data begin.
make_ordinary() {
  local base=$tmp/$1
  rm -f "$base".{volume,header,payload,key,rawkey}
  truncate -s 8M "$base.volume"
  [ -e "$base.secret" ] || new_secret "$1.secret"
  cryptsetup luksFormat --batch-mode --key-file "$base.secret" "${@:2}" "$base.volume"
  offset=$(offset_of "$base.volume")
  noise $((8 * 1024 * 1024 - offset)) >"$base.plain"
  # volume_key and encrypted ask for a header by this name.
  cp "$base.volume" "$base.header"
  encrypted "$1" "$(sector_of "$base.volume")" <"$base.plain" |
    dd of="$base.volume" bs=64K oflag=seek_bytes seek="$offset" conv=notrunc status=none
  rm "$base.header"
  cp "$base.volume" "$base.original"
}
make_ordinary_luks1() { make_ordinary "$1" --type luks1 --pbkdf-force-iterations 1000 "${@:2}"; }
make_ordinary_luks2() {
  make_ordinary "$1" --type luks2 --luks2-metadata-size 16k --luks2-keyslots-size 4m "${cheap_pbkdf2[@]}" "${@:2}"
}

segment_of() { "$program" inspect --json "$1" | jq -r ".segment.$2"; }
offset_of() { segment_of "$1" offset; }
sector_of() { segment_of "$1" sector_size; }

# is_ordinary VOLUME NAME [OPTION…]: cryptsetup opens the volume, and it has $tmp/NAME.plain.
is_ordinary() {
  cryptsetup open --test-passphrase --key-file "$tmp/$2.secret" "$1" || fail "cryptsetup does not open $1"
  sound "$1"
  tail -c "+$(($(offset_of "$1") + 1))" "$1" |
    "$build/tests/tools/sector_xts" decrypt "$tmp/$2.key" "$(sector_of "$1")" | same "$tmp/$2.plain" /dev/stdin
}
