#!/bin/bash
# When an export is removed, also while a client is reading and writing, its key and all that was made
# from it is nowhere in the service's memory; the keys of the others are where they were.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/hygiene.sh"

[ "$(id -u)" = 0 ] || skip "needs root: a service shows its memory to nobody else"

for volume in stays goes; do
  new_secret "$volume"
  make_luks2 "$volume" 4M --pbkdf argon2id "${cheap_argon2[@]}"
  material "$volume"
done
{ export_table stays stays && export_table goes goes; } | service_config
start_service
settled

# has_key NAME: in locked memory.
has_key() {
  clean "$1" "$tmp/$1.material" --processes "$server" --serving >"$tmp/found"
  grep -q 'pieces in' "$tmp/found"
}
for volume in stays goes; do has_key $volume || fail "no key of $volume is found: $(cat "$tmp/found")"; done

busy_client "$(uri_of goes)"
export_table stays stays | service_config
exits 0 "$program" reload "$config"
clean "removed" "$tmp/goes.material" --processes "$server" >"$tmp/found"
if grep 'pieces in' "$tmp/found"; then fail "keys of an export that was removed"; fi
has_key stays || fail "the key of stays is gone"
kill "$client" 2>/dev/null || true # it may have ended by what it was told
wait "$client" 2>/dev/null || true
stop "$server"
