#!/bin/bash
# nbds:// sources with certificates: works with the right ones, and with none but those.
. "$(dirname -- "$0")/lib.sh"
. "$here/tls.sh"

make_luks2 v 1M --sector-size 512
authority ca
authority other
certificate ca server server 'dns_name = localhost'
certificate ca expired server 'dns_name = localhost' \
  'activation_date = "2020-01-01 00:00:00 UTC"' 'expiration_date = "2020-02-01 00:00:00 UTC"'
certificate ca client client
certificate other stranger client

tls_server() { # DIR ARG…: its port in $port
  local dir=$1
  shift
  serve_plain_tcp 127.0.0.1 --tls=require --tls-certificates="$dir" "$@"
}
tls_server "$tmp/server" --tls-verify-peer -r file "$tmp/v.header"
header_port=$port
tls_server "$tmp/server" --tls-verify-peer file "$tmp/v.payload"
payload_port=$port
tls_server "$tmp/server" -r file "$tmp/v.header"
lenient_port=$port
tls_server "$tmp/expired" -r file "$tmp/v.header"
expired_port=$port
serve_plain_tcp 127.0.0.1 -r file "$tmp/v.header"
plain_port=$port
pki="tls-certificates=$tmp/client"

note "both sources, mutual TLS"
noise 1M >"$tmp/plain"
serve "header=nbds://localhost:$header_port/?$pki" "payload=nbds://localhost:$payload_port/?$pki" \
  "secret=$tmp/v.secret"
nbdcopy --flush "$tmp/plain" "$uri"
stop "$server"
decrypted v 512 >"$tmp/decrypted"
same "$tmp/plain" "$tmp/decrypted"

note "refusals, for header and payload alike"
refused_source() { # REGEX SOURCE
  refused "$1" "header=$2" "payload=$tmp/v.payload" "secret=$tmp/v.secret"
  refused "$1" "header=$tmp/v.header" "payload=$2" "secret=$tmp/v.secret"
}
tls='tls|certificate|handshake'
refused_source "$tls" "nbds://127.0.0.1:$lenient_port/?$pki"                              # another host name
refused_source "$tls" "nbds://localhost:$lenient_port/?tls-certificates=$tmp/stranger"   # another CA
refused_source "$tls" "nbds://localhost:$expired_port/?$pki"
refused_source "$tls" "nbds://localhost:$plain_port/?$pki"                               # no TLS there
refused_source 'ca-cert.pem' "nbds://localhost:$header_port/?tls-certificates=$tmp/absent"
refused_source 'nbd://localhost.*tls' "nbd://localhost:$header_port/"                       # it wants TLS

note "without certificates of ours nobody is verified: refused, unless insecure=true"
refused_source 'tls-certificates' "nbds://localhost:$lenient_port/"
# libnbd looks for certificates in the user's home if it is not told any: there are none.
HOME=$tmp serve "header=nbds://localhost:$lenient_port/" "payload=$tmp/v.payload" \
  "secret=$tmp/v.secret" insecure=true
nbdinfo --size "$uri"
