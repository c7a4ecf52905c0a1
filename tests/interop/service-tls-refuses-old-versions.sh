#!/bin/bash
# TLS 1.0 and 1.1 are refused, though Debian's GnuTLS would take them, and the log says so; unless the
# machine has a policy of its own.
. "$(dirname -- "$0")/lib.sh"
. "$here/tls.sh"
. "$here/service.sh"
. "$here/service_tls.sh"

agreed_on() { /usr/bin/python3 -W ignore "$here/nbd_starttls.py" "$port" "$tmp/client" "$@"; }

tls_service "${require_certificates[@]}"
for version in TLSv1 TLSv1_1; do
  note "$version"
  expect_failure /usr/bin/python3 -W ignore "$here/nbd_starttls.py" "$port" "$tmp/client" "$version"
  matches "no handshake" "$tmp/failure.out"
  logged 'error: gnutls_handshake: .*unsupported version'
done
for version in TLSv1_2 TLSv1_3; do
  note "$version"
  [ "$(agreed_on "$version")" = "${version/_/.}" ] || fail "not agreed on: $(cat "$log")"
done
ends_within_a_second

note "the machine's own policy"
printf '[overrides]\ndisabled-version = tls1.3\n' >"$tmp/policy"
GNUTLS_SYSTEM_PRIORITY_FILE=$tmp/policy tls_service "${require_certificates[@]}"
[ "$(agreed_on TLSv1_2)" = TLSv1.2 ] || fail "not agreed on: $(cat "$log")"
expect_failure /usr/bin/python3 "$here/nbd_starttls.py" "$port" "$tmp/client" TLSv1_3
ends_within_a_second
