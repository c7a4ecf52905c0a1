#!/bin/bash
# What Prometheus is told is what happened: as many requests and bytes as a client made, errors that it
# got, exports that fail and come up, a payload's server that went away and came back, reloads. On TCP and
# on a unix socket; on addresses of others only with insecure = true.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/reconnect.sh"

# metric NAME [LABEL=VALUE…]
metric() { /usr/bin/python3 "$here/metrics.py" "$metrics" "$@"; }
# has VALUE NAME [LABEL=VALUE…]
has() { [ "$(metric "${@:2}")" = "$1" ] || fail "$(metric "${@:2}") instead of $*"; }
has_now() { [ "$(metric "${@:2}")" = "$1" ]; }
# requests EXPORT OPERATION COUNT [BYTES]: so many were made, and answered.
requests() {
  has "$3" luksdetached_requests_total "export=$1" "operation=$2"
  [ $# -lt 4 ] || has "$4" luksdetached_bytes_total "export=$1" "operation=$2"
}
errors() { has "$3" luksdetached_errors_total "export=$1" "operation=$2"; }
is_in_state() {
  local state
  for state in waiting open failed; do
    has_now "$([ $state = "$2" ] && echo 1 || echo 0)" luksdetached_export_state "export=$1" "state=$state" || return 1
  done
}

make_luks2 vm1 1M --sector-size 512
make_luks2 vm2 1M
make_luks2 v 1M
make_luks2 late 1M
payload_server one-connection
comes --filter=error file "$tmp/v.payload" error-pread=EIO error-pread-rate=100% "error-pread-file=$tmp/broken"
name='q"\é'
exports() {
  export_table vm1 vm1 'discard = true'
  export_table vm2 vm2 "name = '$name'"
  export_table v v "payload = \"$payload_uri\""
  export_table late late
}
mv "$tmp/late.payload" "$tmp/late.away"

port=$(free_port 127.0.0.1)
metrics=tcp:127.0.0.1:$port
exports | service_config "metrics = \"$metrics\""
start_service
settled

note "before any request"
requests vm1 read 0 0
errors vm1 write 0
has 0 luksdetached_export_clients export=vm1
[ "$(metric process_open_fds)" -gt 5 ] || fail "$(metric process_open_fds) descriptors"

note "the man page has them all, and no others"
metric | sort >"$tmp/names"
sed -n '/^=head1 METRICS/,/^=head1 SEE/p' "$here/../../docs/luksdetached.pod" | grep '^=item ' |
  grep -o 'C<[a-z_]*>' | sed 's/C<\(.*\)>/\1/' | sort >"$tmp/documented"
same "$tmp/documented" "$tmp/names"

note "a client"
nbd_shell -u "$(uri_of vm1)" -c - <<'END'
for n in range(20):
    h.pread(4096 + n, 512 * n)
for n in range(7):
    h.pwrite(bytes([7]) * 1000, 1000 * n)
h.zero(4096, 65536, 0)
h.trim(8192, 131072, 0)
for n in range(3):
    h.flush()
END
requests vm1 read 20 $((20 * 4096 + 190))
requests vm1 write 7 7000
requests vm1 zero 1 4096
requests vm1 trim 1 8192
requests vm1 flush 3
for operation in read write zero trim flush; do errors vm1 $operation 0; done
has 20 luksdetached_request_duration_seconds_count export=vm1 operation=read
has 20 luksdetached_request_duration_seconds_bucket export=vm1 operation=read le=+Inf
requests "$name" read 0
"$program" status --json "$config" | jq -e '.exports[0].requests |
  .read == {count: 20, errors: 0, bytes: 82110} and .flush == {count: 3, errors: 0}' >/dev/null ||
  fail "$("$program" status --json "$config")"

note "what it took"
nbd_shell -u "$(uri_of vm1)" -c - <<END
import subprocess, time
h.pread(512, 0)
assert subprocess.run(["/usr/bin/python3", "$here/metrics.py", "$metrics", "luksdetached_export_clients", "export=vm1"],
                      stdout=subprocess.PIPE, check=True).stdout == b"1\n"
END
eventually has_now 0 luksdetached_export_clients export=vm1
seconds=$(metric luksdetached_request_duration_seconds_sum export=vm1 operation=read)
awk -v seconds="$seconds" 'BEGIN { exit !(seconds > 0 && seconds < 60) }' || fail "$seconds seconds"

note "a payload that fails"
touch "$tmp/broken"
expect_failure /usr/bin/python3 -m nbd -u "$(uri_of v)" -c 'h.pread(4096, 0)'
rm "$tmp/broken"
nbd_shell -u "$(uri_of v)" -c 'h.pread(4096, 0)'
errors v read 1
requests v read 2 4096

note "a payload's server that goes and comes back"
has 0 luksdetached_source_reconnects_total export=v
vanishes
comes file "$tmp/v.payload"
nbd_shell -u "$(uri_of v)" -c 'h.pread(4096, 0)'
has 1 luksdetached_source_reconnects_total export=v
requests v read 3 8192
exits 0 "$program" status "$config"
says '^v .*payload connected again 1 time$'
"$program" status --json "$config" | jq -e '.exports[2].reconnects == 1' >/dev/null || fail "no reconnect"

note "states"
is_in_state vm1 open || fail "vm1 is not open"
is_in_state late failed || fail "late has not failed"
if metric luksdetached_unlock_seconds export=late 2>/dev/null; then fail 'late was not unlocked'; fi
has 0 luksdetached_reloads_total
has 1 luksdetached_last_reload_successful
mv "$tmp/late.away" "$tmp/late.payload"
exits 0 "$program" reload "$config" # which tries it again at once
eventually is_in_state late open
awk -v seconds="$(metric luksdetached_unlock_seconds export=late)" \
  'BEGIN { exit !(seconds > 0 && seconds < 60) }' || fail "unlocked in $(metric luksdetached_unlock_seconds export=late)"

note "reloads"
has 1 luksdetached_reloads_total
has 1 luksdetached_last_reload_successful
good=$(cat "$config")
echo 'nonsense' >>"$config"
kill -HUP "$server"
eventually has_now 1 luksdetached_reload_errors_total
has 0 luksdetached_last_reload_successful
printf '%s\n' "$good" >"$config"
exits 0 "$program" status "$config"
says '^That reload changed nothing: '
exits 0 "$program" reload "$config"
has 3 luksdetached_reloads_total
has 1 luksdetached_reload_errors_total
has 1 luksdetached_last_reload_successful
requests vm1 read 21 # exports that stay go on counting
sed -i "s#^metrics = .*#metrics = \"unix:$tmp/other.sock\"#" "$config"
exits 1 "$program" reload "$config"
says 'needs a restart: metrics'

note "a second one, at the same port"
second=$tmp/second.toml
sed "s#$socket#$tmp/second.sock#; s#$status_socket#$tmp/second.status#; s#^metrics = .*#metrics = \"$metrics\"#" \
  "$config" >"$second"
exits 1 "${serve_under_test[@]}" "$second"
says "cannot listen for the metrics on 127.0.0.1 port $port: Address already in use"
ends_within_a_second

note "on a unix socket"
start_service
metrics=unix:$tmp/other.sock
[ "$(stat -c %a "$tmp/other.sock")" = 600 ] || fail "mode $(stat -c %a "$tmp/other.sock")"
has 1 luksdetached_build_info "version=$("$program" status --json "$config" | jq -r .version)"
ends_within_a_second
[ ! -e "$tmp/other.sock" ] || fail "the socket of the metrics is still there"

note "for others only with insecure = true"
exports | service_config 'metrics = "tcp:0.0.0.0:9810"'
exits 2 "$program" config check "$config"
says 'metrics in \[service\] is beyond loopback'
exports | service_config "metrics = \"tcp:0.0.0.0:$port\"" 'insecure = true'
start_service
metrics=tcp:127.0.0.2:$port
has 0 luksdetached_reloads_total
ends_within_a_second
