#!/bin/bash
# What create makes, cryptsetup opens, QEMU reads where it can, and the plugin serves; the payload has exactly
# the size that was asked for, or stays as it is.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"
. "$here/qemu_luks.sh"

create() { # NAME OPTION…
  exits 0 "$program" create --header "$tmp/$1.header" --payload "$tmp/$1.payload" --secret "$tmp/$1.secret" "${@:2}"
  rm -f "$tmp/$1.key" "$tmp/$1.rawkey"
}
# has JQ NAME: of what inspect says; it finds nothing wrong.
has() {
  "$program" inspect --json "$tmp/$2.header" | jq -e ".servable and .warnings == [] and ($1)" >/dev/null ||
    fail "not so: $1: $("$program" inspect "$tmp/$2.header")"
}
# dumped REGEX NAME: cryptsetup sees it.
dumped() {
  cryptsetup luksDump "$tmp/$2.header" >"$tmp/dump"
  matches "$1" "$tmp/dump"
}

note "nothing said but how long a key derivation takes: cryptsetup's defaults"
new_secret default.secret
create default --payload-size 4M --iter-time 500
says "^$tmp/default.header: a LUKS2 header for .*: aes-xts-plain64, key of 512 bits, sectors of 4096 bytes, 4 MiB of data\$"
[ "$(stat -c '%a %s' "$tmp/default.payload")" = "600 4194304" ] || fail "$(stat "$tmp/default.payload")"
[ "$(stat -c '%a %s' "$tmp/default.header")" = "600 16777216" ] || fail "$(stat "$tmp/default.header")"
cmp -n 4194304 "$tmp/default.payload" /dev/zero # no magic
opens "$tmp/default.header" "$tmp/default.secret"
has '.version == 2 and .segment == {encryption: "aes-xts-plain64", key_size: 64, sector_size: 4096, offset: 0, size: null}' default
has '.keyslots | length == 1 and .[0].kdf.type == "argon2id" and .[0].area.encryption == "aes-xts-plain64" and .[0].area.key_size == 64' default
agree default 4096

note "what was asked for"
new_secret two.secret
noise 1M >"$tmp/two.payload"
cp "$tmp/two.payload" "$tmp/plain"
create two "${cheap_keyslot[@]}" --hash sha512 --cipher aes-cbc-essiv:sha256 --sector-size 1024 --label a-volume --uuid 5a7e1a0d-9d3c-4f0e-8a4e-0c8f2f3f1b11 --json
same "$tmp/plain" "$tmp/two.payload"
jq -e '.done and .version == 2 and .uuid == "5a7e1a0d-9d3c-4f0e-8a4e-0c8f2f3f1b11" and .encryption == "aes-cbc-essiv:sha256"
  and .key_size == 32 and .sector_size == 1024 and .size == 1048576 and .keyslot == 0 and .warnings == []' "$tmp/said" >/dev/null || fail "$(cat "$tmp/said")"
has '.uuid == "5a7e1a0d-9d3c-4f0e-8a4e-0c8f2f3f1b11" and .label == "a-volume" and .keyslots[0].kdf.hash == "sha512"' two
dumped '^Label:\s*a-volume$' two
opens "$tmp/two.header" "$tmp/two.secret"

note "keys of 256 bits, a payload that has no whole sectors of 4096 bytes"
new_secret small.secret
noise 1025K >"$tmp/small.payload"
create small "${cheap_keyslot[@]}" --key-size 256
has '.segment.sector_size == 512 and .segment.key_size == 32' small
opens "$tmp/small.header" "$tmp/small.secret"
agree small 512

note "a passphrase, from a line of standard input"
printf 'typed\nmore' | "$program" create --header "$tmp/typed.header" --payload "$tmp/small.payload" --passphrase - "${cheap_keyslot[@]}"
printf typed >"$tmp/typed"
chmod 600 "$tmp/typed"
opens "$tmp/typed.header" "$tmp/typed"

note "LUKS1, which QEMU reads"
for cipher in aes-xts-plain64 aes-cbc-essiv:sha256 serpent-xts-plain64 twofish-cbc-plain64; do
  rm -f "$tmp"/one.*
  new_secret one.secret
  create one --luks 1 --payload-size 1M --cipher $cipher "${cheap_keyslot[@]}"
  has '.version == 1 and .segment.offset == 0' one
  dumped '^Version:\s*1$' one
  case $cipher in aes-*) opens "$tmp/one.header" "$tmp/one.secret" ;; esac # cryptsetup needs the kernel for others
  parameters one
  noise 1M >"$tmp/plain"
  serve "${parameters[@]}"
  nbdcopy --flush "$tmp/plain" "$uri"
  stop "$server"
  join one
  qemu_read one | same "$tmp/plain" /dev/stdin
done

note "LUKS2 with another cipher: its key slot is of AES, which cryptsetup opens without the kernel"
for cipher in serpent-xts-plain64 xchacha12,aes-adiantum-plain64; do
  rm -f "$tmp"/other.*
  new_secret other.secret
  create other --payload-size 1M --cipher $cipher "${cheap_keyslot[@]}"
  dumped "^\s*cipher:\s*$cipher\$" other
  opens "$tmp/other.header" "$tmp/other.secret"
  sound "$tmp/other.header"
  parameters other
  noise 1M >"$tmp/plain"
  serve "${parameters[@]}"
  nbdcopy --flush "$tmp/plain" "$uri"
  nbdcopy "$uri" "$tmp/read"
  stop "$server"
  same "$tmp/plain" "$tmp/read"
done

note "header and payload behind servers"
new_secret far.secret
truncate -s 16M "$tmp/far.header"
noise 1M >"$tmp/far.payload"
serve_plain file "$tmp/far.header"
header_uri=$uri header_server=$server
serve_plain -r file "$tmp/far.payload"
exits 0 "$program" create --header "$header_uri" --payload "$uri" --secret "$tmp/far.secret" "${cheap_keyslot[@]}"
stop "$server"
stop "$header_server"
opens "$tmp/far.header" "$tmp/far.secret"
has '.segment.sector_size == 4096' far
agree far 4096
