#!/bin/bash
# With pre-shared keys, a wrong key and an unknown user are refused alike, so are a certificate and no
# TLS at all; the log says so and shows no key.
. "$(dirname -- "$0")/lib.sh"
. "$here/tls.sh"
. "$here/service.sh"
. "$here/service_tls.sh"

psktool -u alice -p "$tmp/keys.psk" >"$tmp/null"
key=$(cut -d: -f2 "$tmp/keys.psk")
printf 'alice:00112233445566778899aabbccddeeff\n' >"$tmp/wrong.psk"
printf 'mallory:%s\n' "$key" >"$tmp/mallory.psk"

tls_service 'tls = "require"' "tls-psk = \"$tmp/keys.psk\""
note "a wrong key, an unknown user, a certificate"
for uri in "$(by_key alice "$tmp/wrong.psk")" "$(by_key mallory "$tmp/mallory.psk")" "$(by_certificate client)"; do
  turned_away "$uri"
  if grep -q "$key" "$log"; then fail "the log shows the key"; fi
  logged 'error: gnutls_handshake: '
done
note "no TLS"
turned_away "$(in_plain_text)"
note "the right key"
let_in "$(by_key alice "$tmp/keys.psk")"
ends_within_a_second
