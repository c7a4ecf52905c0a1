#!/bin/bash
# What the config says of TLS and TCP is what clients meet.
. "$(dirname -- "$0")/lib.sh"
. "$here/tls.sh"
. "$here/service.sh"

make_luks2 vm1 256K --sector-size 512
noise 256K >"$tmp/plain"
encrypted vm1 512 <"$tmp/plain" >"$tmp/vm1.payload"
authority ca
authority other
certificate ca server server 'dns_name = localhost' 'ip_address = 127.0.0.1'
certificate ca client client
certificate other stranger client
cp "$tmp/ca/ca-cert.pem" "$tmp/stranger/ca-cert.pem" # trusts the server, is not trusted by it
mkdir "$tmp/anonymous"
cp "$tmp/ca/ca-cert.pem" "$tmp/anonymous/"
psktool -u alice -p "$tmp/keys.psk" >/dev/null
printf 'alice:00112233445566778899aabbccddeeff\n' >"$tmp/wrong.psk"
port=$(free_port 127.0.0.1)

# tls_service LISTENER LINE…
tls_service() {
  local listener=$1
  shift
  service_config "$@" < <(export_table vm1 vm1)
  sed -i "s#^listen = .*#listen = [\"$listener\"]#" "$config"
  : >"$log"
  start_service
  settled
}
tcp=tcp:127.0.0.1:$port
by_tls="nbds://127.0.0.1:$port/vm1?tls-certificates=$tmp"
is_read() {
  nbdcopy "$1" "$tmp/read"
  same "$tmp/plain" "$tmp/read"
}

note "required, with certificates of both sides"
tls_service "$tcp" 'tls = "require"' "tls-certificates = \"$tmp/server\"" 'tls-verify-peer = true'
is_read "$by_tls/client"
expect_failure nbdcopy "$by_tls/stranger" "$tmp/nothing"
expect_failure nbdcopy "$by_tls/anonymous" "$tmp/nothing"
expect_failure nbdcopy "nbd://127.0.0.1:$port/vm1" "$tmp/nothing"
ends_within_a_second

note "required, without certificates of clients"
tls_service "$tcp" 'tls = "require"' "tls-certificates = \"$tmp/server\""
is_read "$by_tls/anonymous"
expect_failure nbdcopy "nbd://127.0.0.1:$port/vm1" "$tmp/nothing"
ends_within_a_second

note "offered: loopback without it is let in with a warning"
tls_service "$tcp" 'tls = "on"' "tls-certificates = \"$tmp/server\""
is_read "$by_tls/anonymous"
if grep -q "warning: .*TLS" "$log"; then fail "TLS warns: $(cat "$log")"; fi
is_read "nbd://127.0.0.1:$port/vm1"
matches 'warning: .*TCP without TLS' "$log"
ends_within_a_second

note "pre-shared keys, on a unix socket"
tls_service "unix:$socket" 'tls = "require"' "tls-psk = \"$tmp/keys.psk\""
is_read "nbds+unix://alice@/vm1?socket=$socket&tls-psk-file=$tmp/keys.psk"
expect_failure nbdcopy "nbds+unix://alice@/vm1?socket=$socket&tls-psk-file=$tmp/wrong.psk" "$tmp/nothing"
expect_failure nbdcopy "$(uri_of vm1)" "$tmp/nothing"
ends_within_a_second

note "off; IPv6"
if [ -s /proc/net/if_inet6 ]; then
  port=$(free_port ::1)
  tls_service "tcp:[::1]:$port"
  is_read "nbd://[::1]:$port/vm1"
  ends_within_a_second
fi

note "certificates that are not there"
rm -r "$tmp/server"
service_config 'tls = "require"' "tls-certificates = \"$tmp/server\"" < <(export_table vm1 vm1)
exits 2 "${serve_under_test[@]}" "$config"
says 'tls-certificates in \[service\] needs the file .*/server-key\.pem: No such file'
[ ! -S "$socket" ] || fail "it served"
