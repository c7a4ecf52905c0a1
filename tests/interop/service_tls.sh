# A service with TLS on a port of loopback, and its clients; sourced after lib.sh, tls.sh and service.sh.
# shellcheck shell=bash disable=SC2154  # variables of those

make_luks2 vm1 256K
port=$(free_port 127.0.0.1)
authority ca
certificate ca server server 'dns_name = localhost' 'ip_address = 127.0.0.1'
certificate ca client client
past=('activation_date = "2020-01-01 00:00:00 UTC"' 'expiration_date = "2020-02-01 00:00:00 UTC"')

# tls_service LINE…: a service that LINEs of [service] are about; its log begins anew.
tls_service() {
  service_config "$@" < <(export_table vm1 vm1)
  sed -i "s#^listen = .*#listen = [\"tcp:127.0.0.1:$port\"]#" "$config"
  : >"$log"
  start_service
  settled
}
require_certificates=('tls = "require"' "tls-certificates = \"$tmp/server\"" 'tls-verify-peer = true')

# by_certificate NAME: the URI with the certificate of that name.
by_certificate() { printf 'nbds://127.0.0.1:%s/vm1?tls-certificates=%s' "$port" "$tmp/$1"; }
in_plain_text() { printf 'nbd://127.0.0.1:%s/vm1' "$port"; }
# by_key USER FILE: the URI with a pre-shared key.
by_key() { printf 'nbds://%s@127.0.0.1:%s/vm1?tls-psk-file=%s' "$1" "$port" "$2"; }

let_in() { [ "$(nbdinfo --size "$1")" = 262144 ] || fail "refused: $1"; }

# turned_away URI: the client gets nothing, not even a list; its message is in $tmp/failure.out.
turned_away() {
  expect_failure nbdinfo --list "$1"
  expect_failure nbdcopy "$1" "$tmp/nothing"
}

# logged REGEX: the service said that since the last time, in a line of its log that names no key.
logged() {
  eventually grep -Eq -- "$1" "$log"
  : >"$log"
}
