#!/bin/bash
# A service listens on vsock, whose peers count as remote, where the kernel has it.
. "$(dirname -- "$0")/lib.sh"
. "$here/tls.sh"
. "$here/servers.sh"
. "$here/service.sh"

make_luks2 vm1 256K
port=$((0x4d000000 + $$))
service_config < <(export_table vm1 vm1)
sed -i "s#^listen = .*#listen = [\"unix:$socket\", \"vsock:$port\"]#" "$config"

note "needs TLS"
exits 2 "$program" config check "$config"
says 'a vsock listener needs tls = "require" with tls-verify-peer'

note "or insecure"
sed -i '/^listen/a insecure = true' "$config"
if ! /usr/bin/python3 -c 'import socket; socket.socket(socket.AF_VSOCK)' 2>/dev/null; then
  exits 1 "${serve_under_test[@]}" "$config"
  says "cannot listen on vsock:$port: Address family not supported"
  [ ! -e "$socket" ] || fail "left $socket"
  skip "the kernel has no vsock"
fi
start_service
settled
vsock_connects "$port" 2>/dev/null || skip "vsock has no loopback here (the kernel's vsock_loopback)"
[ "$(nbdinfo --size "nbd+vsock://1:$port/vm1")" = 262144 ] || fail "vm1 is not served"
nbdinfo --size "$(uri_of vm1)"
ends_within_a_second
