#!/bin/bash
# nbdkit -v logs all it does; the secret and the volume key are in none of it, in no spelling.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 256K --sector-size 512
volume_key v
printf '%s\n' "$(cat "$tmp/v.secret")" >"$tmp/line"
{
  cat "$tmp/line" "$tmp/v.key"
  echo
  base64 -w 0 "$tmp/v.secret"
  echo
  base64 -w 0 "$tmp/v.rawkey"
  echo
  od -An -v -tx1 "$tmp/v.secret" | tr -d ' \n'
} >"$tmp/spellings"

for secret in "secret=$tmp/v.secret" "passphrase=+$tmp/line"; do
  serve -v -D nbdkit.backend.controlpath=1 "header=$tmp/v.header" "payload=$tmp/v.payload" "$secret"
  nbdcopy "$uri" "$tmp/read"
  stop "$server"
  matches 'debug' "$log" # it is verbose
  if grep -aFi -f "$tmp/spellings" "$log"; then fail "a secret is in the log"; fi
done
