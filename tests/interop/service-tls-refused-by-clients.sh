#!/bin/bash
# A client refuses a service whose certificate has expired, is of another authority, or is for another
# name; the service's log says that the client went.
. "$(dirname -- "$0")/lib.sh"
. "$here/tls.sh"
. "$here/service.sh"
. "$here/service_tls.sh"

authority other
names=('dns_name = localhost' 'ip_address = 127.0.0.1')
certificate ca expired server "${names[@]}" "${past[@]}"
certificate other stranger server "${names[@]}"
cp "$tmp/ca/ca-cert.pem" "$tmp/stranger/" # trusts the client, is not trusted by it
certificate ca elsewhere server 'dns_name = elsewhere.example'
for name in expired stranger elsewhere; do
  note "$name"
  tls_service 'tls = "require"' "tls-certificates = \"$tmp/$name\"" 'tls-verify-peer = true'
  turned_away "$(by_certificate client)"
  matches 'certificate' "$tmp/failure.out"
  logged 'error: gnutls_handshake: '
  ends_within_a_second
done
