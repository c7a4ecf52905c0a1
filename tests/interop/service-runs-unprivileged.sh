#!/bin/bash
# A service needs no privileges, no capabilities, and nothing that it could write to but the folder of
# its sockets and its payloads.
leaks=0 # leaks cannot be looked for in a process that shows its memory to nobody
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

[ "$(id -u)" = 0 ] && unshare --mount true 2>/dev/null || skip "needs root, to take everything away"
setpriv --reuid=nobody --clear-groups test -x "$plugin" || skip "needs root with a build that other users may read"
make_luks2 vm1 256K
noise 256K >"$tmp/plain"
chmod 755 "$tmp"
chown nobody "$tmp"/vm1.*
mkdir "$tmp/run"
chown nobody "$tmp/run"
socket=$tmp/run/nbd.sock
status_socket=$tmp/run/status.sock
service_config < <(export_table vm1 vm1)

# Everything is read-only then but the folder of the sockets and the payload (and what the test itself
# uses, which the service may not write to).
read_only='
mount --make-rprivate /
mount --bind "$0/run" "$0/run"
mount --bind "$0/vm1.payload" "$0/vm1.payload"
awk "{ print \$5 }" /proc/self/mountinfo | while read -r place; do
  case $place in "$0"/*) ;; *) mount -o remount,bind,ro "$place" 2>/dev/null || true ;; esac
done
exec "$@"'
unprivileged=(unshare --mount sh -c "$read_only" "$tmp"
  setpriv --reuid nobody --regid nogroup --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs)
exits 1 "${unprivileged[@]}" touch "$tmp/file" /tmp/file
says 'Read-only file system'
serve_under_test=("${unprivileged[@]}" "${serve_under_test[@]}")
start_service
settled
[ "$(state vm1)" = open ] || fail "vm1: $(reason vm1)"
nbdcopy --flush "$tmp/plain" "$(uri_of vm1)"
reads "$tmp/plain" vm1
[ "$(awk '/^CapEff/ { print $2 }' "/proc/$server/status")" = 0000000000000000 ] || fail "it has capabilities"
ends_within_a_second
[ ! -e "$socket" ] || fail "$socket is still there"
