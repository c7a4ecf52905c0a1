#!/bin/bash
# Header and payload on NBD servers: unix sockets, TCP, named exports; one remote and one a file.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 2M --sector-size 1024
serve_plain file "$tmp/v.payload"
payload_unix=$uri
serve_plain_tcp 127.0.0.1 file "$tmp/v.payload"
payload_tcp=$uri
serve_plain -r file "$tmp/v.header"
header_unix=$uri
mkdir "$tmp/exports"
cp "$tmp/v.header" "$tmp/exports/the header"
serve_plain_tcp ::1 -r file "dir=$tmp/exports"
header_named="nbd://[::1]:$port/the%20header"

works() { # HEADER PAYLOAD
  note "$1 $2"
  noise 2M >"$tmp/plain"
  serve "header=$1" "payload=$2" "secret=$tmp/v.secret"
  nbdcopy --flush "$tmp/plain" "$uri"
  nbdcopy "$uri" "$tmp/read"
  stop "$server"
  same "$tmp/plain" "$tmp/read"
  decrypted v 1024 >"$tmp/decrypted"
  same "$tmp/plain" "$tmp/decrypted"
}
works "$header_unix" "$payload_unix"
works "$header_named" "$payload_tcp"
works "$tmp/v.header" "$payload_unix"
works "file:$tmp/v.header" "file://$tmp/v.payload"
works "$header_unix" "$tmp/v.payload"

note "relative paths"
cd "$tmp"
works v.header ./v.payload
