#!/bin/bash
# nbds+unix:// sources with a pre-shared key.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 1M --sector-size 512
psktool -u alice -p "$tmp/keys.psk" >/dev/null
printf 'alice:00112233445566778899aabbccddeeff\n' >"$tmp/wrong.psk"
serve_plain --tls=require --tls-psk="$tmp/keys.psk" -r file "$tmp/v.header"
header=$socket
serve_plain --tls=require --tls-psk="$tmp/keys.psk" file "$tmp/v.payload"
payload=$socket

noise 1M >"$tmp/plain"
serve "header=nbds+unix://alice@/?socket=$header&tls-psk-file=$tmp/keys.psk" \
  "payload=nbds+unix://alice@/?socket=$payload&tls-psk-file=$tmp/keys.psk" "secret=$tmp/v.secret"
nbdcopy --flush "$tmp/plain" "$uri"
stop "$server"
decrypted v 512 >"$tmp/decrypted"
same "$tmp/plain" "$tmp/decrypted"

rest=("payload=$tmp/v.payload" "secret=$tmp/v.secret")
refused 'handshake.*does the server know this user and this key' "header=nbds+unix://alice@/?socket=$header&tls-psk-file=$tmp/wrong.psk" "${rest[@]}"
refused 'tls-psk-file' "header=nbds+unix://alice@/?socket=$header" "${rest[@]}"
# Certificates are not verified over a unix socket, so they do not count there.
mkdir "$tmp/pki"
refused 'tls-psk-file|tls-certificates' \
  "header=nbds+unix://alice@/?socket=$header&tls-certificates=$tmp/pki" "${rest[@]}"
