#!/bin/bash
# An export with list = false is in nobody's list, and is open to who knows its name; a description is
# told in the list and by the export itself. Both change on reload without closing the export.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

make_luks2 vm1 256K
make_luks2 vm2 256K
{
  export_table vm1 vm1 'list = false' 'description = "the quiet one"'
  export_table vm2 vm2 'description = "Zoë'"'"'s disk"'
} | service_config
start_service
settled

listed() { nbdinfo --list --json "$(uri_of)" | jq -c '[.exports[] | [."export-name", .description]]'; }
[ "$(listed)" = '[["vm2","Zoë'"'"'s disk"]]' ] || fail "listed: $(listed)"
exits 0 nbdinfo --json "$(uri_of vm1)"
[ "$(jq -r '.exports[0].description' "$tmp/said")" = "the quiet one" ] || fail "$(cat "$tmp/said")"
exits 0 "$program" healthcheck --ready "$config" vm1

note "a reload shows it"
{
  export_table vm1 vm1 'description = "heard"'
  export_table vm2 vm2 'list = false'
} | service_config
exits 0 "$program" reload "$config"
[ "$(listed)" = '[["vm1","heard"]]' ] || fail "listed: $(listed)"
[ "$(grep -c event=unlock "$log")" = 2 ] || fail "an export was unlocked again"
ends_within_a_second
