#!/bin/bash
# Several headers are tried in order; the first that can be read, is intact and unlocks is used, and
# the log says why the others were not. Headers of different volumes are refused.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 256K --sector-size 512
make_luks1 w 256K
cp "$tmp/v.header" "$tmp/backup"
payload=("payload=$tmp/v.payload" "secret=$tmp/v.secret")
overwrite() { noise 4096 | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; } # FILE BYTE

note "what is served, by the second header"
noise 256K >"$tmp/plain"
encrypted v 512 <"$tmp/plain" >"$tmp/v.payload"
# served REGEX HEADER ARG…: the log says REGEX of HEADER, and what is read is the volume.
served() {
  local pattern=$1 first=$2
  shift 2
  serve "header=$first" "$@"
  nbdcopy "$uri" "$tmp/read"
  stop "$server"
  same "$tmp/plain" "$tmp/read"
  matches "warning: header .* is not used: .*$pattern" "$log"
}
good=("header=$tmp/v.header" "${payload[@]}")
served 'no such file' "$tmp/missing" "${good[@]}"
noise 1M >"$tmp/noise"
served 'there is no LUKS header' "$tmp/noise" "${good[@]}"
cp "$tmp/v.header" "$tmp/damaged"
overwrite "$tmp/damaged" 5000
overwrite "$tmp/damaged" $((16384 + 5000))
served 'checksum' "$tmp/damaged" "${good[@]}"
head -c 40000 "$tmp/v.header" >"$tmp/cut"
served 'truncated' "$tmp/cut" "${good[@]}"
served 'refused' "nbd://127.0.0.1:$(free_port 127.0.0.1)/" "${good[@]}"
serve_plain null 1M
served 'there is no LUKS header' "$uri" "${good[@]}"

note "a header that nobody needs is not looked at"
serve "${good[@]}" "header=$tmp/missing"
stop "$server"
[ ! -s "$log" ] || fail "speaks of it: $(cat "$log")"

note "LUKS1 without its key material, LUKS2 without the secret's key slot"
cp "$tmp/w.header" "$tmp/wiped"
overwrite "$tmp/wiped" 4096
serve "header=$tmp/wiped" "header=$tmp/w.header" "payload=$tmp/w.payload" "secret=$tmp/w.secret"
stop "$server"
matches 'wiped is not used: the secret does not match any key slot' "$log"
printf 'another secret' >"$tmp/other.secret"
cryptsetup luksAddKey --batch-mode "${cheap_pbkdf2[@]}" --key-file "$tmp/v.secret" \
  "$tmp/v.header" "$tmp/other.secret"
cp "$tmp/v.header" "$tmp/removed"
cryptsetup luksKillSlot --batch-mode --key-file "$tmp/other.secret" "$tmp/removed" 0 2>"$tmp/kill.err"
served 'the secret does not match any key slot' "$tmp/removed" "header=$tmp/backup" "${payload[@]}"
matches 'warning: header .*backup: it is older than header .*removed \(sequence [0-9]+, not [0-9]+\), so a removed key slot may open again' "$log"

note "the newer one behind the older one is no reason to warn; nor is the first"
serve "header=$tmp/backup" "header=$tmp/removed" "payload=$tmp/v.payload" "secret=$tmp/other.secret"
stop "$server"
if grep -q older "$log"; then fail "warns of a newer header: $(cat "$log")"; fi

note "an erased header, and its backup"
cp "$tmp/v.header" "$tmp/erased"
cryptsetup erase --batch-mode "$tmp/erased"
served 'no key slot holds the volume.s key' "$tmp/erased" "header=$tmp/backup" "${payload[@]}"
matches 'may open again' "$log"

note "a secret from a FIFO is read once"
mkfifo "$tmp/fifo"
cat "$tmp/v.secret" >"$tmp/fifo" &
serve "header=$tmp/removed" "header=$tmp/backup" "payload=$tmp/v.payload" "secret=$tmp/fifo"
stop "$server"

note "headers of different volumes: nothing is unlocked, not even by the one that could be"
make_luks2 x 256K --sector-size 512
refused 'x.header is not of the same volume as header .*removed.*the UUID is .*nothing is unlocked' \
  "header=$tmp/removed" "header=$tmp/x.header" "header=$tmp/backup" "${payload[@]}"
uuid=$(cryptsetup luksUUID "$tmp/v.header")
other() { # NAME OPTION…: a volume of the same UUID
  make_luks2 "$1" 256K --uuid "$uuid" "${@:2}"
}
other y --sector-size 512
refused 'the digest of the volume key is another one' "header=$tmp/removed" "header=$tmp/y.header" \
  "${payload[@]}"
volume_key v
other z --sector-size 4096 --volume-key-file "$tmp/v.rawkey"
refused 'the sector size is 4096, not 512' "header=$tmp/removed" "header=$tmp/z.header" "${payload[@]}"
other c --sector-size 512 --cipher aes-xts-plain --volume-key-file "$tmp/v.rawkey"
refused 'the cipher is aes-xts-plain, not aes-xts-plain64' "header=$tmp/removed" \
  "header=$tmp/c.header" "${payload[@]}"

note "but one that is not the required one is passed over"
served "require-uuid=$uuid, but it has" "$tmp/w.header" "require-uuid=$uuid" "${good[@]}"

note "all fail: each is told, and whose fault it may be"
refused 'no header unlocks the volume: header .*missing is not used: .*no such file.*; header .*damaged is not used: .*checksum' \
  "header=$tmp/missing" "header=$tmp/damaged" "${payload[@]}"
secrets+=("$tmp/other.secret")
refused 'no header unlocks.*missing is not used: .*; header .*backup is not used: the secret does not match' \
  "header=$tmp/missing" "header=$tmp/backup" "payload=$tmp/v.payload" "secret=$tmp/other.secret"
refused 'cannot unlock header .*backup: the secret does not match any key slot' \
  "header=$tmp/backup" "payload=$tmp/v.payload" "secret=$tmp/other.secret"

note "what key derivation may cost is for all headers together"
# A slot of 1000 iterations costs 2000 for a key of 64 bytes; 4000 may be spent.
budget=("payload=$tmp/v.payload" "secret=$tmp/other.secret" kdf-iterations-max=1000)
refused 'are left after the key slots and secrets before' "header=$tmp/backup" "header=$tmp/backup" \
  "header=$tmp/backup" "${budget[@]}"

note "the payload's faults are no reason for another header"
refused '^nbdkit: error: payload: cannot open .*missing' "header=$tmp/backup" "header=$tmp/v.header" "payload=$tmp/missing" \
  "secret=$tmp/v.secret"
