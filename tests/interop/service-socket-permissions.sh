#!/bin/bash
# Who may connect to a unix socket is what its mode, owner and group in the config say: only the user
# of the service if they say nothing.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

[ "$(id -u)" = 0 ] || skip "needs root, to be other users"
make_luks2 vm1 256K
chmod 755 "$tmp" # who may pass here is not the question
service_config < <(export_table vm1 vm1)
sed -i "s#^listen = .*#listen = [\"unix:$socket\", {address = \"unix:$tmp/owned.sock\", owner = \"nobody\"},\
  {address = \"unix:$tmp/group.sock\", mode = 0o660, group = \"daemon\"},\
  {address = \"unix:$tmp/all.sock\", mode = 0o666}]#" "$config"
# Whatever the umask is that it starts with.
umask 077
start_service
umask 022
settled

is_of() {
  local found
  found=$(stat -c '%U:%G %a' "$tmp/$1")
  [ "$found" = "$2" ] || fail "$1 is $found instead of $2"
}
is_of nbd.sock 'root:root 600'
is_of owned.sock 'nobody:root 600'
is_of group.sock 'root:daemon 660'
is_of all.sock 'root:root 666'

# as USER:GROUP SOCKET: a client.
as() {
  setpriv --reuid "${1%:*}" --regid "${1#*:}" --clear-groups --inh-caps=-all --bounding-set=-all \
    nbdinfo --size "nbd+unix:///vm1?socket=$tmp/$2"
}
may() { [ "$(as "$@")" = 262144 ] || fail "$1 cannot use $2"; }
may_not() {
  if as "$@" >"$tmp/said" 2>&1; then fail "$1 can use $2"; fi
  says 'Permission denied'
}
note "nobody else"
may_not nobody:nogroup nbd.sock
may_not nobody:nogroup group.sock
may_not daemon:daemon owned.sock
note "whom the config names"
may nobody:nogroup owned.sock
may nobody:daemon group.sock
may nobody:nogroup all.sock

note "users whom nobody knows"
stop "$server"
sed -i 's#owner = "nobody"#owner = "no one"#' "$config"
exits 2 "${serve_under_test[@]}" "$config"
says "config\.toml:2:.*: listen in \[service\] needs the user 'no one', whom this machine does not have"
[ ! -e "$socket" ] || fail "bound a socket"

note "no right to give it away"
sed -i 's#owner = "no one"#owner = "daemon"#' "$config"
chown -R nobody "$tmp"
exits 1 setpriv --reuid nobody --regid nogroup --clear-groups --inh-caps=-all --bounding-set=-all \
  "${serve_under_test[@]}" "$config"
says "cannot set owner and mode of the socket $tmp/owned\.sock: Operation not permitted"
[ -z "$(compgen -G "$tmp/*.sock")" ] || fail "left sockets: $(ls "$tmp")"
