#!/bin/bash
# nbdkit --dump-plugin lists what this build can do.
. "$(dirname -- "$0")/lib.sh"

"${nbdkit_under_test[@]}" --dump-plugin "$plugin" | tee "$tmp/dump"
says() { grep -Eiq -- "$1" "$tmp/dump" || fail "nothing like '$1'"; }
says '^name=luksdetached$'
says '^luksdetached_.*luks.*=.*1.*2'
for word in aes-xts-plain64 serpent-cbc-essiv:HASH 'xchacha12,aes-adiantum-plain64' \
  sha3-256 blake2b-512 pbkdf2 argon2i argon2id nbds 'nbd\+unix' 'nbd\+vsock' https sftp nbdkit qemu file; do
  says "^luksdetached_[a-z_]+=(.*[ ,])?$word([ ,].*)?$"
done
says '^luksdetached_[a-z_]*=(aes-?ni|cryptopp|vaes.*)$'
