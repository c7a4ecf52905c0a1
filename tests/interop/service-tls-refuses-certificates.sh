#!/bin/bash
# With tls-verify-peer a client without a certificate, with one of another authority, or with one that
# has expired is refused, and the log says so.
. "$(dirname -- "$0")/lib.sh"
. "$here/tls.sh"
. "$here/service.sh"
. "$here/service_tls.sh"

authority other
certificate ca expired client "${past[@]}"
certificate other stranger client
cp "$tmp/ca/ca-cert.pem" "$tmp/stranger/" # trusts the server, is not trusted by it
mkdir "$tmp/anonymous"
cp "$tmp/ca/ca-cert.pem" "$tmp/anonymous/"

tls_service "${require_certificates[@]}"
for name in stranger expired anonymous; do
  note "$name"
  turned_away "$(by_certificate "$name")"
  logged 'error: gnutls_handshake: .*certificate'
done
note "the right one"
let_in "$(by_certificate client)"
ends_within_a_second
