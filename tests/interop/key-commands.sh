#!/bin/bash
# key add, change and remove work on what cryptsetup makes, and cryptsetup opens what they make.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"
. "$here/qemu_luks.sh"

for name in second third fourth; do new_secret $name; done

edit() { # NAME: of a volume with one key slot
  local header=$tmp/$1.header first=$tmp/$1.secret key
  volume_key "$1"
  key=$(cat "$tmp/$1.key")

  exits 0 "$program" key add "$header" --secret "$first" --new-secret "$tmp/second" "${cheap_keyslot[@]}"
  says "^$header: the new secret opens key slot 1\$"
  [ "$(slots "$header")" = "0 1" ]
  opens "$header" "$first" --key-slot 0
  opens "$header" "$tmp/second" --key-slot 1

  exits 0 "$program" key add "$header" --secret "$tmp/second" --new-secret "$tmp/third" --slot 6 "${cheap_keyslot[@]}"
  [ "$(slots "$header")" = "0 1 6" ]
  opens "$header" "$tmp/third" --key-slot 6

  exits 0 "$program" key change "$header" --secret "$tmp/second" --new-secret "$tmp/fourth" "${cheap_keyslot[@]}" --json
  jq -e '.done and .keyslot == 2 and .removed == 1 and (.warnings | length == 1 and (.[0] | test("backups of header .* key slot 1,")))' \
    "$tmp/said" >/dev/null || fail "$(cat "$tmp/said")"
  [ "$(slots "$header")" = "0 2 6" ]
  opens "$header" "$tmp/fourth" --key-slot 2
  opens_not "$header" "$tmp/second"

  exits 0 "$program" key remove "$header" --slot 0
  says "^luksdetached: warning: older backups of header $header still have key slot 0, "
  [ "$(slots "$header")" = "2 6" ]
  opens_not "$header" "$first"
  exits 0 "$program" key remove "$header" --secret "$tmp/third"
  [ "$(slots "$header")" = 2 ]
  opens_not "$header" "$tmp/third"

  sound "$header"
  cp "$tmp/fourth" "$first"
  rm "$tmp/$1.key" "$tmp/$1.rawkey"
  volume_key "$1"
  [ "$key" = "$(cat "$tmp/$1.key")" ] || fail "the volume key is another one"
}

make_luks1 one 256K
edit one
make_luks1 essiv 256K --cipher aes-cbc-essiv:sha256 --key-size 256 --hash sha512
edit essiv
make_luks2 two 256K --sector-size 4096
edit two
make_luks2 argon 256K --pbkdf argon2id "${cheap_argon2[@]}"
edit argon
# What cryptsetup makes when nothing is said but what a key derivation costs.
make_volume usual 256K "${cheap_pbkdf2[@]}"
edit usual

note "a header that is the beginning of an ordinary volume: the data are as they were"
truncate -s 24M "$tmp/whole"
cryptsetup luksFormat --batch-mode "${cheap_pbkdf2[@]}" --key-file "$tmp/second" "$tmp/whole"
noise 1M | dd of="$tmp/whole" bs=1M seek=16 conv=notrunc status=none
tail -c +$((16 * 1024 * 1024 + 1)) "$tmp/whole" | sha256sum >"$tmp/before"
exits 0 "$program" key change "$tmp/whole" --secret "$tmp/second" --new-secret "$tmp/third" "${cheap_keyslot[@]}"
opens "$tmp/whole" "$tmp/third"
opens_not "$tmp/whole" "$tmp/second"
tail -c +$((16 * 1024 * 1024 + 1)) "$tmp/whole" | sha256sum | same "$tmp/before" /dev/stdin

note "a header behind a server"
make_luks2 far 256K
serve_plain file "$tmp/far.header"
exits 0 "$program" key add "$uri" --secret "$tmp/far.secret" --new-secret "$tmp/second" "${cheap_keyslot[@]}"
exits 0 "$program" key remove "$uri" --secret "$tmp/far.secret"
stop "$server"
opens "$tmp/far.header" "$tmp/second"
opens_not "$tmp/far.header" "$tmp/far.secret"

note "LUKS1 with a cipher that libcryptsetup leaves to the kernel, made by QEMU, which opens it afterwards, too"
for options in cipher-alg=serpent-256,cipher-mode=xts,ivgen-alg=plain64 cipher-alg=twofish-256,cipher-mode=cbc,ivgen-alg=essiv,ivgen-hash-alg=sha256; do
  make_qemu_luks1 qemu 1M "$options"
  exits 0 "$program" key change "$tmp/qemu.joined" --secret "$tmp/qemu.secret" --new-secret "$tmp/second" "${cheap_keyslot[@]}"
  exits 3 "$program" test "$tmp/qemu.joined" --secret "$tmp/qemu.secret"
  cp "$tmp/second" "$tmp/qemu.secret"
  noise 1M >"$tmp/plain"
  qemu_write qemu "$tmp/plain"
  qemu_read qemu | same "$tmp/plain" /dev/stdin
done
