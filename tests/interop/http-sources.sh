#!/bin/bash
# http:// and https:// sources: a server that has no ranges, does not know us, or sends us elsewhere is refused.
. "$(dirname -- "$0")/lib.sh"
. "$here/tls.sh"
. "$here/servers.sh"

make_luks2 v 256K
mkdir "$tmp/web"
cp "$tmp/v.header" "$tmp/web/header"
web_server

opens() { # SOURCE
  serve "header=$1" "payload=$tmp/v.payload" "secret=$tmp/v.secret"
  [ "$(nbdinfo --size "$uri")" = 262144 ] || fail "size"
  stop "$server"
}
by_curl() { printf 'nbdkit:curl?url=%s/header' "$(sed 's#:#%3A#g; s#/#%2F#g' <<<"$1")"; }

note "a password"
opens "http://alice:$password@${http#*://}/locked/header"
opens "$(by_curl "$https/locked")&cainfo=$tmp/ca/ca-cert.pem&user=alice&password=$password"

note "refused"
refused_source '401' "$http/locked/header"
refused_source '401' "http://alice:wrong@${http#*://}/locked/header"
refused_source '404' "$http/absent"
refused_source 'range' "$http/without-ranges/header"
refused_source 'refused|connect' "http://127.0.0.1:$(free_port 127.0.0.1)/header"
refused_source 'certificate|CA cert' "$https/header" # the latter where the machine has no authorities
authority other
refused_source 'certificate' "$(by_curl "$https")&cainfo=$tmp/other/ca-cert.pem"
refused_source '.' "https://${http#*://}/header" # no TLS there

note "refused: to be sent to a file of this machine, or from TLS to none"
refused_source '.' "$http/to-a-file"
if trust_web_server; then
  opens "$https/header"
  refused_source '.' "$https/to-plain"
else
  note "not tried: no user namespaces here"
fi
