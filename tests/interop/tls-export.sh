#!/bin/bash
# The export itself over TLS: with certificates of both sides, and with a pre-shared key on a unix
# socket. Clients without them get nothing.
. "$(dirname -- "$0")/lib.sh"
. "$here/tls.sh"

make_luks2 v 1M --sector-size 512
noise 1M >"$tmp/plain"
encrypted v 512 <"$tmp/plain" >"$tmp/v.payload"
parameters v
authority ca
authority other
certificate ca server server 'dns_name = localhost' 'ip_address = 127.0.0.1'
certificate ca client client
certificate other stranger client
cp "$tmp/ca/ca-cert.pem" "$tmp/stranger/ca-cert.pem" # trusts the server, is not trusted by it

note "certificates"
serve_tcp 127.0.0.1 --tls=require --tls-certificates="$tmp/server" --tls-verify-peer "${parameters[@]}"
nbdcopy "nbds://127.0.0.1:$port/?tls-certificates=$tmp/client" "$tmp/read"
same "$tmp/plain" "$tmp/read"
expect_failure nbdcopy "nbds://127.0.0.1:$port/?tls-certificates=$tmp/stranger" "$tmp/nothing"
expect_failure nbdcopy "nbd://127.0.0.1:$port/" "$tmp/nothing"
stop "$server"

note "pre-shared key"
psktool -u alice -p "$tmp/keys.psk" >/dev/null
printf 'alice:00112233445566778899aabbccddeeff\n' >"$tmp/wrong.psk"
serve --tls=require --tls-psk="$tmp/keys.psk" "${parameters[@]}"
nbdcopy "nbds+unix://alice@/?socket=$socket&tls-psk-file=$tmp/keys.psk" "$tmp/read"
same "$tmp/plain" "$tmp/read"
expect_failure nbdcopy "nbds+unix://alice@/?socket=$socket&tls-psk-file=$tmp/wrong.psk" "$tmp/nothing"
expect_failure nbdcopy "$uri" "$tmp/nothing"
