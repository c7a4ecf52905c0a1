#!/bin/bash
# For ciphers beside AES-XTS with plain64, Linux makes the volume and reads and writes the same bytes as
# the export; and with the IV "plain" both wrap at 2^32 sectors, of which the log warns.
. "$(dirname -- "$0")/../interop/lib.sh"
. "$here/../vm/lib.sh"

boot
disks=$tmp/disks # served to the guest, each under its name
mkdir "$disks"
serve_plain_tcp 127.0.0.1 file dir="$disks"
secret=$tmp/secret
noise 64 >"$secret"

# new NAME SIZE OPTION…: the guest formats it.
new() {
  volume=$1
  truncate -s 8M "$disks/$volume.header"
  truncate -s "$2" "$disks/$volume.payload"
  attach
  guest "echo $(base64 -w 0 "$secret") | base64 -d >/tmp/secret
    cryptsetup luksFormat -q --header /dev/nbd0 --key-file /tmp/secret ${*:3} /dev/nbd1"
}

attach() {
  guest "nbd-client 10.0.2.2 $port -name $volume.header /dev/nbd0 2>&1
    nbd-client 10.0.2.2 $port -name $volume.payload /dev/nbd1 2>&1" >"$tmp/attached"
}

# dm_crypt SCRIPT: to /dev/mapper/plain; then the volume is the host's again.
dm_crypt() {
  guest "cryptsetup open --header /dev/nbd0 --key-file /tmp/secret /dev/nbd1 plain
    $1
    cryptsetup close plain
    detach /dev/nbd0
    detach /dev/nbd1"
}

ours() { serve "header=$disks/$volume.header" "payload=$disks/$volume.payload" "secret=$secret"; }
checksum() { sha256sum <"$1"; }

tried=0
agree_with_dm_crypt() { # OPTION…
  note "$(sed 's/^--type \(luks.\) .*--cipher/\1/' <<<"$*")"
  tried=$((tried + 1))
  new "v$tried" 1M "$@"
  dm_crypt 'dd if=/dev/urandom of=/dev/mapper/plain bs=64k count=16 conv=fsync 2>/dev/null
    sum /dev/mapper/plain' >"$tmp/sum"
  ours
  nbdcopy "$uri" "$tmp/read"
  [ "$(checksum "$tmp/read")" = "$(cat "$tmp/sum")" ] || fail "we read other bytes than dm-crypt wrote"
  noise 1M >"$tmp/plain"
  nbdcopy --flush "$tmp/plain" "$uri"
  stop "$server"
  attach
  dm_crypt 'sum /dev/mapper/plain' >"$tmp/sum"
  [ "$(checksum "$tmp/plain")" = "$(cat "$tmp/sum")" ] || fail "dm-crypt reads other bytes than we wrote"
}

luks1=(--type luks1 --pbkdf-force-iterations 1000)
luks2=(--type luks2 --luks2-metadata-size 16k --luks2-keyslots-size 4m "${cheap_pbkdf2[@]}")
agree_with_dm_crypt "${luks2[@]}" --cipher serpent-xts-plain64 --key-size 512 --sector-size 4096
agree_with_dm_crypt "${luks1[@]}" --cipher serpent-cbc-essiv:sha256 --key-size 192
agree_with_dm_crypt "${luks2[@]}" --cipher twofish-cbc-essiv:sha256 --key-size 256 --sector-size 512
agree_with_dm_crypt "${luks1[@]}" --cipher twofish-xts-plain64 --key-size 256
agree_with_dm_crypt "${luks2[@]}" --cipher camellia-xts-plain64 --key-size 512 --sector-size 2048
agree_with_dm_crypt "${luks1[@]}" --cipher camellia-cbc-plain --key-size 128
agree_with_dm_crypt "${luks1[@]}" --cipher cast6-xts-plain64 --key-size 512
agree_with_dm_crypt "${luks1[@]}" --cipher cast5-cbc-plain64 --key-size 128
agree_with_dm_crypt "${luks2[@]}" --cipher aes-cbc-plain64be --key-size 256 --sector-size 4096
agree_with_dm_crypt "${luks2[@]}" --cipher xchacha12,aes-adiantum-plain64 --key-size 256 --sector-size 4096
agree_with_dm_crypt "${luks2[@]}" --cipher xchacha20,aes-adiantum-plain64 --key-size 256 --sector-size 512

note "plain: 2 TiB and more"
# Sectors 0 and 2^32 have the same IV: there the same plain bytes are the same encrypted bytes. Blocks of
# 32 KiB: the last before 2^32 sectors is number 67108863.
block=$((1 << 26))
at() { dd if="$disks/$volume.payload" bs=32K skip="$1" count=1 status=none; }
wraps() {
  cmp <(at 0) <(at $block) || fail "$1 does not wrap at 2^32 sectors"
  [ "$(at 0 | wc -c)" = 32768 ] && ! cmp -s <(at 0) <(head -c 32K /dev/zero) || fail "$1 wrote nothing"
  if cmp -s <(at 0) <(at $((block - 1))) || cmp -s <(at 0) <(at $((block + 1))); then fail "$1: too much is the same"; fi
}
new huge $(((2 << 40) + (16 << 20))) "${luks2[@]}" --cipher aes-xts-plain --key-size 512 --sector-size 512
noise 32K >"$tmp/block"
dm_crypt "echo $(base64 -w 0 "$tmp/block") | base64 -d >/tmp/block
  for number in 0 $((block - 1)) $block $((block + 1)); do
    dd if=/tmp/block of=/dev/mapper/plain bs=32k seek=\$number conv=fsync 2>/dev/null
  done"
wraps dm-crypt
ours
matches "warning: .*plain.*2 TiB" "$log"
noise 32K >"$tmp/block2"
nbd_shell -u "$uri" -c "block, new, number = open('$tmp/block', 'rb').read(), open('$tmp/block2', 'rb').read(), $block" \
  -c - <<'END'
numbers = 0, number - 1, number, number + 1
size = len(block)
for n in numbers:
    assert h.pread(size, n * size) == block, n
# The last and the first sector of two rounds in one request.
assert h.pread(2 * size, (number - 1) * size) == block + block
h.pwrite(new + new, (number - 1) * size)
h.pwrite(new, 0)
h.pwrite(new, (number + 1) * size)
h.flush()
END
stop "$server"
wraps "the export"
attach
dm_crypt "for number in 0 $((block - 1)) $block $((block + 1)); do
    dd if=/dev/mapper/plain bs=32k skip=\$number count=1 2>/dev/null | sha256sum
  done" >"$tmp/sums"
[ "$(sort -u "$tmp/sums")" = "$(checksum "$tmp/block2")" ] && [ "$(wc -l <"$tmp/sums")" = 4 ] ||
  fail "dm-crypt reads other bytes than we wrote around 2^32 sectors: $(cat "$tmp/sums")"
