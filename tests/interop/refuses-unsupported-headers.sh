#!/bin/bash
# Valid headers that ask for what this version does not have, or must not do: the message names it.
. "$(dirname -- "$0")/lib.sh"

make_luks1 one 256K
make_luks2 two 256K
edited2() { # REGEX STATEMENTS
  cp "$tmp/two.header" "$tmp/edited"
  /usr/bin/python3 "$here/edit_luks2.py" "$tmp/edited" "$2"
  watch "$tmp/edited"
  refused "$1" "header=$tmp/edited" "payload=$tmp/two.payload" "secret=$tmp/two.secret"
}
edited1() { # REGEX OFFSET BYTES
  cp "$tmp/one.header" "$tmp/edited"
  printf "$3" | dd of="$tmp/edited" bs=1 seek="$2" conv=notrunc status=none
  watch "$tmp/edited"
  refused "$1" "header=$tmp/edited" "payload=$tmp/one.payload" "secret=$tmp/one.secret"
}

note "the tool that edits leaves a header that opens"
cp "$tmp/two.header" "$tmp/edited"
/usr/bin/python3 "$here/edit_luks2.py" "$tmp/edited" "json['config']['flags'] = []"
serve "header=$tmp/edited" "payload=$tmp/two.payload" "secret=$tmp/two.secret"
stop "$server"
cryptsetup luksDump "$tmp/edited" >/dev/null

note "ciphers"
edited1 'rot13' 8 'rot13\0'
edited1 'xtx' 40 'xtx-plain64\0'
edited1 'plain65' 40 'xts-plain65\0'
edited2 'rot13' "json['segments']['0']['encryption'] = 'rot13-xts-plain64'"
edited2 'plain65' "json['segments']['0']['encryption'] = 'aes-xts-plain65'"
edited2 'rot13' "json['keyslots']['0']['area']['encryption'] = 'rot13-xts-plain64'"
edited1 'benbi' 40 'lrw-benbi\0'
edited1 'benbi.*not implemented' 40 'cbc-benbi\0'
edited2 'random.*not implemented' "json['segments']['0']['encryption'] = 'aes-cbc-random'"
edited2 'capi.*reencrypt' "json['segments']['0']['encryption'] = 'capi:xts(aes)-plain64'"

note "a null cipher is no encryption, wherever it stands"
edited1 'null' 8 'cipher_null\0'
edited2 'null' "json['segments']['0']['encryption'] = 'cipher_null-ecb'"
edited2 'null' "json['keyslots']['0']['area']['encryption'] = 'cipher_null-ecb'"

note "ecb shows patterns of the data"
edited1 'ecb.*patterns' 40 'ecb\0'
edited2 'ecb.*patterns' "json['segments']['0']['encryption'] = 'aes-ecb'"

note "hashes and key derivation"
edited1 'md4' 72 'md4\0'
edited2 'md4' "json['keyslots']['0']['kdf']['hash'] = 'md4'"
edited2 'md4' "json['digests']['0']['hash'] = 'md4'"
edited2 'scrypt' "json['keyslots']['0']['kdf']['type'] = 'scrypt'"

note "features"
edited2 'time-travel' "json['config']['requirements'] = {'mandatory': ['time-travel']}"
edited2 'reencrypt' "json['config']['requirements'] = {'mandatory': ['online-reencrypt-v2']}"
edited2 'integrity' "json['segments']['0']['integrity'] = {'type': 'hmac(sha256)', 'journal_encryption': 'none', 'journal_integrity': 'none'}"
edited2 'linear' "json['segments']['0'] = {'type': 'linear', 'offset': '0', 'size': 'dynamic'}"
edited2 'iv_tweak' "json['segments']['0']['iv_tweak'] = '8'"
edited2 'sector' "json['segments']['0']['sector_size'] = 8192"
