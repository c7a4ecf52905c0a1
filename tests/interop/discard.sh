#!/bin/bash
# With discard=true clients can free whole sectors of the payload and see where it has holes; what
# is read there is noise, never said to be zero. Files and NBD servers as payload.
. "$(dirname -- "$0")/lib.sh"
. "$here/discards.sh"

make_luks2 v 4M --sector-size 4096
noise 4M >"$tmp/plain"

for kind in file nbd; do
  note "$kind"
  encrypted v 4096 <"$tmp/plain" >"$tmp/v.payload"
  payload=$tmp/v.payload
  if [ $kind = nbd ]; then
    serve_plain file "$payload"
    payload=$uri
  fi
  serve "header=$tmp/v.header" "payload=$payload" "secret=$tmp/v.secret" discard=true
  free_the_middle
  map_is "$middle_is_a_hole"
  stop "$server"
  [ "$(kept "$tmp/v.payload")" -le 2200 ] || fail "the storage got nothing back"
done

note "qemu-img takes a hole for nothing: its copy differs from the export"
encrypted v 4096 <"$tmp/plain" >"$tmp/v.payload"
parameters v
serve "${parameters[@]}" discard=true
nbd_shell -u "$uri" -c 'h.trim(1 << 20, 1 << 20)'
qemu-img convert -f raw -O raw "$uri" "$tmp/copy"
if qemu-img compare -f raw -F raw "$uri" "$tmp/copy" >"$tmp/compare" 2>&1; then
  fail "the man page says that they differ"
fi
stop "$server"

note "without discard=true all is data, and it is the same"
serve "${parameters[@]}"
map_is "$all_is_data"
[ "$(nbdinfo --json "$uri" | jq '.exports[0].can_trim')" = false ] || fail "TRIM is offered"
qemu-img convert -f raw -O raw "$uri" "$tmp/copy"
qemu-img compare -f raw -F raw "$uri" "$tmp/copy"
stop "$server"

note "a payload that may only be read is not discarded; one whose server knows no holes has none"
serve -r "${parameters[@]}" discard=true
[ "$(nbdinfo --json "$uri" | jq '.exports[0].can_trim')" = false ] || fail "TRIM is offered"
map_is 'any(.[]; .type == 1)'
stop "$server"
serve_plain --filter=noextents file "$tmp/v.payload"
serve "header=$tmp/v.header" "payload=$uri" "secret=$tmp/v.secret" discard=true
map_is "$all_is_data"
