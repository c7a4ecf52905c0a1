#!/bin/bash
# A TCP client of this very machine is served without TLS, and the log warns that every local user
# may read. A unix socket and TLS give no such warning.
. "$(dirname -- "$0")/lib.sh"
. "$here/tls.sh"

make_luks2 v 256K
parameters v
warned() { grep -Eiq 'warning' "$log"; }

serve_tcp 127.0.0.1 "${parameters[@]}"
[ "$(nbdinfo --size "$uri")" = 262144 ] || fail "size"
warned || fail "no warning: $(cat "$log")"
nbdinfo --list "$uri" >/dev/null
stop "$server"

serve "${parameters[@]}"
nbdinfo --size "$uri"
if warned; then fail "a unix socket warns: $(cat "$log")"; fi
stop "$server"

authority ca
certificate ca server server 'ip_address = 127.0.0.1'
serve_tcp 127.0.0.1 --tls=require --tls-certificates="$tmp/server" "${parameters[@]}"
nbdinfo --size "nbds://127.0.0.1:$port/?tls-certificates=$tmp/ca"
if warned; then fail "TLS warns: $(cat "$log")"; fi
