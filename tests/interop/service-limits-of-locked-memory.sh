#!/bin/bash
# Each open export locks one page of memory for its keys. The soft limit is raised as far as the hard one
# lets it; if the exports surely do not fit below that, the start says so, and those that do not are
# refused with that reason.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

[ "$(id -u)" = 0 ] || skip "needs root, which then becomes a user whom limits bind"
[ -z "${LUKSDETACHED_PRELOAD:-}" ] || skip "a sanitizer build locks no memory"
make_luks2 vm 256K
chmod 755 "$tmp"
chown nobody "$tmp"/vm.*
mkdir "$tmp/run"
chown nobody "$tmp/run"
socket=$tmp/run/nbd.sock
status_socket=$tmp/run/status.sock
exports() {
  local n
  for n in $(seq "$1"); do export_table "vm$n" vm 'readonly = true'; done
}
locked() { awk '/^VmLck/ { print $2 }' "/proc/$server/status"; }

note "ten exports within 1 MiB"
service_config 'user = "nobody"' < <(exports 10)
limited=("${serve_under_test[@]}")
serve_under_test=(prlimit --memlock=65536:1048576 "${limited[@]}")
start_service
settled
exits 0 "$program" healthcheck "$config" --ready
[ "$(locked)" = 40 ] || fail "ten exports lock $(locked) KiB"
if grep -q 'locked memory' "$log"; then fail "warns: $(cat "$log")"; fi
ends_within_a_second

note "more than fit"
service_config 'user = "nobody"' < <(exports 10)
serve_under_test=(prlimit --memlock=32768:32768 "${limited[@]}")
start_service
matches 'luksdetached: warning: 10 exports need at least 40 KiB of locked memory, and the limit is 32 KiB' "$log"
eventually grep -q 'is refused to clients: .*cannot lock memory' "$log"
ends_within_a_second
