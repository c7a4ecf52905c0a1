#!/bin/bash
# A service of several exports has the keys of each in locked memory alone, idle and under load, and
# what opened them nowhere; of an export that could not be opened it has nothing. One payload comes over
# TLS, whose library has buffers of its own.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/hygiene.sh"

[ "$(id -u)" = 0 ] || skip "needs root: a service shows its memory to nobody else"

for volume in file remote refused; do
  new_secret "$volume"
  make_luks2 "$volume" 4M --pbkdf argon2id "${cheap_argon2[@]}"
  material "$volume"
done
# What the wrong secret makes of the header is looked for, too.
new_secret wrong
cp "$tmp/refused.material" "$tmp/right.material"
material refused "$tmp/wrong.secret"

psktool -u alice -p "$tmp/keys.psk" >/dev/null
plain_socket=$socket
serve_plain --tls=require --tls-psk="$tmp/keys.psk" file "$tmp/remote.payload"
payload=$socket
socket=$plain_socket
log=$tmp/service.log

service_config < <(
  export_table file file
  export_table remote remote "payload = \"nbds+unix://alice@/?socket=$payload&tls-psk-file=$tmp/keys.psk\""
  export_table refused refused "secret = \"$tmp/wrong.secret\""
)
start_service
settled
[ "$(state remote)" = open ] || fail "remote: $(reason remote)"
[ "$(state refused)" = failed ] || fail "refused: $(state refused)"

served=("$tmp/file.material" "$tmp/remote.material")
nowhere=("$tmp/refused.material" "$tmp/right.material")
everywhere=("${served[@]}" "${nowhere[@]}" --processes "$server" --serving)
# no_key ARG…: of the export that was refused there is not even a key in locked memory.
no_key() {
  clean "the one that was refused" "${nowhere[@]}" --processes "$server" >"$tmp/found"
  if grep 'pieces in' "$tmp/found"; then fail "keys of an export that was refused"; fi
}

clean "before any client" "${everywhere[@]}"
no_key
for name in file remote; do
  busy_client "$(uri_of "$name")"
  clean "$name under load" "${everywhere[@]}" --times 3
  rest
  clean "$name at rest" "${everywhere[@]}"
  leave
done
expect_failure nbdinfo "$(uri_of refused)"
clean "afterwards" "${everywhere[@]}"
no_key
stop "$server"
clean "log" "${served[@]}" "${nowhere[@]}" --files "$log" "$config"
