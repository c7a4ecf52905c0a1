#!/bin/bash
# While one export is still being unlocked its clients get a clear error, those of the others are
# served, and SIGTERM does not wait for it.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

make_luks2 vm1 256K --sector-size 512
make_luks2 vm2 256K
make_luks2 slow 256K
mkfifo "$tmp/fifo"
service_config < <(
  export_table vm1 vm1
  export_table vm2 vm2 "secret = \"$tmp/fifo\""
)

note "waiting for its secret"
start_service
eventually nbdinfo --size "$(uri_of vm1)"
noise 256K >"$tmp/plain"
nbdcopy --flush "$tmp/plain" "$(uri_of vm1)"
reads "$tmp/plain" vm1
[ "$(state vm1) $(state vm2)" = "open waiting" ] || fail "states $(state vm1) $(state vm2)"
[ "$("$program" status --json "$config" | jq -c '[.exports[].opening]')" = "[null,true]" ] ||
  fail "which one is being opened: $("$program" status "$config")"
exits 1 nbdinfo --size "$(uri_of vm2)"
matches 'event=refusal export="vm2" .*reason="export vm2 is still being unlocked' "$log"
nbdinfo --list --json "$(uri_of)" | jq -r '.exports[]."export-name"' >"$tmp/list"
[ "$(cat "$tmp/list")" = vm1 ] || fail "listed: $(cat "$tmp/list")"
exits 0 "$program" healthcheck "$config"
exits 0 "$program" healthcheck "$config" --ready vm1
exits 1 "$program" healthcheck "$config" --ready
says 'export vm2 is not ready: waiting: it is being opened$'
exits 0 "$program" reload "$config"
says '^luksdetached: export vm2 is not ready: waiting: it is being opened$'

note "then it is served"
cat "$tmp/vm2.secret" >"$tmp/fifo"
settled
[ "$(nbdinfo --size "$(uri_of vm2)")" = 262144 ] || fail "vm2 is not served"
exits 0 "$program" healthcheck "$config" --ready
ends_within_a_second

note "SIGTERM while it waits for its secret"
start_service
eventually nbdinfo --size "$(uri_of vm1)"
ends_within_a_second

note "SIGTERM during a key derivation of half a minute or more"
/usr/bin/python3 "$here/edit_luks2.py" "$tmp/slow.header" \
  "json['keyslots']['0']['kdf']['iterations'] = 100000000"
service_config < <(
  export_table vm1 vm1
  export_table slow slow
  export_table vm2 vm2
)
start_service
eventually nbdinfo --size "$(uri_of vm1)"
reads "$tmp/plain" vm1
[ "$(state slow) $(state vm2)" = "waiting waiting" ] || fail "states $(state slow) $(state vm2)"
exits 1 "$program" healthcheck "$config" --ready vm2
says 'export vm2 is not ready: waiting: others are opened first$'
exits 1 nbdinfo --size "$(uri_of slow)"
matches 'event=refusal export="slow" .*reason="export slow is still being unlocked' "$log"
ends_within_a_second
decrypted vm1 512 >"$tmp/decrypted"
same "$tmp/plain" "$tmp/decrypted"
