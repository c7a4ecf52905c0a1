#!/bin/bash
# ssh:// and sftp:// sources: keys and passwords, whatever their files are called; a host that is not
# known, or another one than it was, is refused.
. "$(dirname -- "$0")/lib.sh"
. "$here/tls.sh"
. "$here/servers.sh"

make_luks2 v 256K
ssh_server
at=${ssh#*@}
keys=${ssh_keys#identity=}
identity=${keys%%&*}
home=$tmp/home # nobody's own keys and known hosts
mkdir -p "$home/.ssh"
export HOME=$home

opens() { # SOURCE
  serve "header=$1" "payload=$tmp/v.payload" "secret=$tmp/v.secret"
  [ "$(nbdinfo --size "$uri")" = 262144 ] || fail "size"
  stop "$server"
}
note "a key, a password"
opens "ssh://$ssh$tmp/v.header?$ssh_keys"
opens "ssh://alice:$password@$at$tmp/v.header?known-hosts=$known_hosts"
opens "sftp://alice:$password@$at$tmp/v.header?known-hosts=$known_hosts"

note "odd names"
odd="$tmp/100% odd & %h"
cp "$identity" "$odd key"
cp "$known_hosts" "$odd hosts"
cp "$tmp/v.header" "$odd header"
odd_uri="$tmp/100%25%20odd%20%26%20%25h%20"
opens "ssh://$ssh${odd_uri}header?identity=${odd_uri}key&known-hosts=${odd_uri}hosts"

note "refused: a wrong password, no key, a file that is not there"
refused_source 'auth' "ssh://alice:wrong@$at$tmp/v.header?known-hosts=$known_hosts"
refused_source 'auth' "ssh://$ssh$tmp/v.header?known-hosts=$known_hosts"
refused_source 'no such file' "ssh://$ssh$tmp/absent?$ssh_keys"

note "refused: a host that is not known, another host key, a port that nobody listens to"
: >"$tmp/nobody"
refused_source 'known' "ssh://$ssh$tmp/v.header?identity=$identity&known-hosts=$tmp/nobody"
refused_source 'known' "ssh://$ssh$tmp/v.header?identity=$identity"
ssh-keygen -q -t ed25519 -N '' -f "$tmp/other"
printf '[127.0.0.1]:%s %s\n' "${at#*:}" "$(cat "$tmp/other.pub")" >"$tmp/changed"
refused_source 'host key' "ssh://$ssh$tmp/v.header?identity=$identity&known-hosts=$tmp/changed"
refused_source 'refused' "ssh://alice@127.0.0.1:$(free_port 127.0.0.1)$tmp/v.header?$ssh_keys"

note "refused: what the query cannot say"
refused 'colour' "header=ssh://$ssh$tmp/v.header?$ssh_keys&colour=blue" "payload=$tmp/v.payload" "secret=$tmp/v.secret"
