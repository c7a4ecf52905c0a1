#!/bin/bash
# nbd+vsock:// sources, where the kernel has a loopback for vsock; where nobody answers, a message.
. "$(dirname -- "$0")/lib.sh"
. "$here/tls.sh"
. "$here/servers.sh"

make_luks2 v 256K --sector-size 512

note "nobody there"
refused_source 'nbd\+vsock:.*(timed out|no such device|reset|refused|unreachable|family not supported|cannot assign)' nbd+vsock://1:1/

serve_vsock -r file "$tmp/v.header" || skip "vsock has no loopback here (the kernel's vsock_loopback)"
header=$uri
serve_vsock file "$tmp/v.payload"
noise 256K >"$tmp/plain"
serve "header=$header" "payload=$uri" "secret=$tmp/v.secret"
nbdcopy --flush "$tmp/plain" "$uri"
stop "$server"
decrypted v 512 >"$tmp/decrypted"
same "$tmp/plain" "$tmp/decrypted"
