#!/bin/bash
# Started as root, a service with a user is that user with one group and no privileges when it serves:
# its sockets, its secrets and what it writes are that user's. It dumps no core and shows its memory to
# no other process of the user. It follows its config and stops as ever, and its children with it.
leaks=0 # leaks cannot be looked for in a process that shows its memory to nobody
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/servers.sh"

[ "$(id -u)" = 0 ] || skip "needs root, to become another user"
setpriv --reuid=nobody --clear-groups test -x "$plugin" || skip "needs root with a build that other users may read"
make_luks2 vm1 256K
make_luks2 vm2 256K
chmod 755 "$tmp"
chown nobody "$tmp"/vm1.*
mkdir "$tmp/run"
chown nobody "$tmp/run"
socket=$tmp/run/nbd.sock
status_socket=$tmp/run/status.sock
printf '#!/bin/sh\nexec cat %s\n' "$tmp/vm1.secret" >"$tmp/ask"
chmod 755 "$tmp/ask"
cp -p "$tmp/vm1.payload" "$tmp/copy"
service_config 'user = "nobody"' "metrics = \"unix:$tmp/run/metrics.sock\"" < <(
  export_table vm1 vm1
  export_table vm2 vm2
  export_table served vm1 "payload = \"nbdkit:file?file=$tmp/copy\"" "secret = \"exec:$tmp/ask\"")
start_service
settled

is() { [ "$1" = "$2" ] || fail "$3 is '$1' instead of '$2'"; }
status_of() { awk -v "field=$1:" '$1 == field { $1 = ""; print substr($0, 2) }' "/proc/$server/status"; }
id=$(id -u nobody)
group=$(id -g nobody)
note "the process"
is "$(status_of Uid)" "$id $id $id $id" "the user"
is "$(status_of Gid)" "$group $group $group $group" "the group"
is "$(status_of Groups | xargs)" "$group" "the list of groups"
is "$(status_of CapEff)" 0000000000000000 "the capabilities"
is "$(status_of CapPrm)" 0000000000000000 "the capabilities"
is "$(status_of NoNewPrivs)" 1 "no_new_privs"
is "$(awk '/^Max core/ { print $5, $6 }' "/proc/$server/limits")" "0 0" "the limit of core dumps"
is "$(stat -c %U "/proc/$server/mem")" root "the owner of the memory"

as_nobody=(setpriv --reuid nobody --regid nogroup --clear-groups --inh-caps=-all --bounding-set=-all)
exits 1 "${as_nobody[@]}" head -c 1 "/proc/$server/environ"
says 'Permission denied'

note "the sockets"
is "$(stat -c '%U:%G %a' "$socket")" 'nobody:nogroup 600' "the socket"
is "$(stat -c '%U %a' "$status_socket")" 'nobody 600' "the status socket"
is "$(stat -c '%U %a' "$tmp/run/metrics.sock")" 'nobody 600' "the metrics' socket"
descriptors=$(/usr/bin/python3 "$here/metrics.py" "unix:$tmp/run/metrics.sock" process_open_fds)
[ "$descriptors" -gt 5 ] || fail "$descriptors descriptors"
[ "$("${as_nobody[@]}" nbdinfo --size "$(uri_of vm1)")" = 262144 ] || fail "not for its user"
exits 0 "${as_nobody[@]}" "$program" healthcheck "$config" --ready vm1

note "what it may read"
is "$(state vm1)" open vm1
is "$(state vm2)" failed vm2
[[ $(reason vm2) == *'Permission denied'* ]] || fail "the reason: $(reason vm2)"

note "children"
is "$(state served)" open served
[ "$(nbdinfo --size "$(uri_of served)")" = 262144 ] || fail "the child does not serve"
children=$(below "$server")
[ -n "$children" ] || fail "there are no children"
for child in $children; do is "$(stat -c %U "/proc/$child")" nobody "the child's user"; done

note "it follows its config"
chown nobody "$tmp"/vm2.*
"$program" reload "$config"
settled
is "$(state vm2)" open vm2

note "clients are let go, and the sockets vanish"
/usr/bin/python3 -m nbd -u "$(uri_of vm1)" -c 'import time; print("connected", flush=True); time.sleep(60)' >"$tmp/client.log" &
defer stop_quietly $!
eventually grep -q connected "$tmp/client.log"
ends_within_a_second
[ ! -e "$socket" ] || fail "$socket is still there"
[ ! -e "$tmp/run/metrics.sock" ] || fail "the metrics' socket is still there"

children_are_gone() { ! ps -o pid= -p "$(xargs <<<"$children" | tr ' ' ,)"; }
eventually children_are_gone

note "children end also with a killed service"
start_service
settled
children=$(below "$server")
kill -KILL "$server"
wait "$server" || true
eventually children_are_gone

note "pre-shared keys that it cannot read"
psktool -u alice -p "$tmp/keys.psk" >/dev/null 2>&1
service_config 'user = "nobody"' 'tls = "on"' "tls-psk = \"$tmp/keys.psk\"" < <(export_table vm1 vm1)
exits 1 "${serve_under_test[@]}" "$config"
says "cannot read $tmp/keys\.psk \(tls-psk\): Permission denied; it is read for each client"
chown nobody "$tmp/keys.psk"
start_service
ends_within_a_second
service_config 'user = "nobody"' < <(export_table vm1 vm1)

note "root is warned of"
if grep -q 'runs as root' "$log"; then fail "warns of root: $(cat "$log")"; fi
grep -v '^user' "$config" >"$tmp/root.toml"
# Whatever groups root had.
started=("${serve_under_test[@]}")
serve_under_test=(setpriv --groups "4,27" "${serve_under_test[@]}")
start_service "$tmp/root.toml"
serve_under_test=("${started[@]}")
matches 'luksdetached: warning: the service runs as root; user in \[service\]' "$log"
is "$(status_of Groups | xargs)" "" "the list of groups"
ends_within_a_second

note "nobody cannot become root"
sed -i 's/^user = .*/user = "root"/' "$config"
exits 1 "${as_nobody[@]}" "${serve_under_test[@]}" "$config"
says 'the service cannot become the user root of its config: that needs to be started as root, or as that user'
note "and need not become nobody"
sed -i 's/^user = .*/user = "nobody"/' "$config"
"${as_nobody[@]}" "${serve_under_test[@]}" "$config" </dev/null >>"$log" 2>&1 &
server=$!
defer stop_quietly "$server"
eventually "$program" healthcheck "$config" --ready vm1
is "$(stat -c '%U' "$socket")" nobody "the socket"
is "$(stat -c %U "/proc/$server/mem")" root "the owner of the memory"
is "$(status_of NoNewPrivs)" 1 "no_new_privs"
ends_within_a_second
