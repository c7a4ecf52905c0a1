#!/bin/bash
# A secret in a file that every user of the machine can read is used, with a warning; one that only its
# owner and group can read, or that comes from elsewhere, has none.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

make_luks2 v 256K
volume=("header=$tmp/v.header" "payload=$tmp/v.payload")
mkdir "$tmp/credentials"
export CREDENTIALS_DIRECTORY=$tmp/credentials
cp "$tmp/v.secret" "$tmp/credentials/vm1"
warned() { grep -q 'warning: .* can be read by every user of this machine' "$log"; }

# with MODE PARAMETER: serves with the secret's file in that mode.
with() {
  chmod "$1" "$tmp/v.secret" "$tmp/credentials/vm1"
  serve "${volume[@]}" "$2"
  nbdinfo --size "$uri" >/dev/null
  stop "$server"
}

for parameter in "secret=$tmp/v.secret" "passphrase=+$tmp/v.secret" secret=credential:vm1; do
  with 0604 "$parameter"
  warned || fail "no warning: $parameter"
  if grep -Fq "$(cat "$tmp/v.secret")" "$log"; then fail "the warning shows the secret"; fi
  with 0640 "$parameter"
  if warned; then fail "a warning for nothing: $parameter"; fi
done

chmod 0604 "$tmp/v.secret"
mkfifo -m 0666 "$tmp/fifo"
cat "$tmp/v.secret" >"$tmp/fifo" &
serve "${volume[@]}" "secret=$tmp/fifo"
if warned; then fail "a FIFO warns"; fi
stop "$server"

exits 0 "$program" test "$tmp/v.header" --secret "$tmp/v.secret"
says "^luksdetached: warning: secret file $tmp/v.secret can be read by every user of this machine"
exits 0 "$program" test --json "$tmp/v.header" --secret "$tmp/v.secret"
jq -e '.warnings | length == 1' "$tmp/said" >/dev/null || fail "no warning: $(cat "$tmp/said")"
