#!/bin/bash
# The cost of key derivation comes from the header: one beyond all measure is refused before it
# starts, and not called a wrong secret.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 256K --pbkdf argon2id "${cheap_argon2[@]}"
make_luks2 p 256K
make_luks1 one 256K
edited2() { # NAME REGEX STATEMENTS
  cp "$tmp/$1.header" "$tmp/edited"
  /usr/bin/python3 "$here/edit_luks2.py" "$tmp/edited" "$3"
  watch "$tmp/edited"
  SECONDS=0
  refused "$2" "header=$tmp/edited" "payload=$tmp/$1.payload" "secret=$tmp/$1.secret"
  [ "$SECONDS" -lt 10 ] || fail "refused only after $SECONDS seconds"
  if grep -Eiq 'secret.*(match|unlock|open)' "$tmp/refused.err"; then fail "called a wrong secret"; fi
}
edited2 v 'memory' "json['keyslots']['0']['kdf']['memory'] = 2147483647" # 2 TiB
edited2 v 'time|cost|iterations|passes' "json['keyslots']['0']['kdf']['time'] = 4000000000"
edited2 p 'iterations' "json['keyslots']['0']['kdf']['iterations'] = 4000000000"
edited2 p 'iterations' "json['digests']['0']['iterations'] = 4000000000"
