#!/bin/bash
# A running service follows its config: on `reload` and on SIGHUP exports come, change and go, while a
# client of another one notices nothing; a config with a mistake changes nothing and says so; what failed
# for a reason that may pass comes up by itself.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

for name in stays changes goes comes late; do make_luks2 $name 1M --sector-size 4096; done
three() { export_table stays stays && export_table changes changes && export_table goes goes; }
three | service_config
start_service
settled

note "a client of each, which goes on"
# It writes and reads its export until $1.stop is there; says what it was told then.
client() {
  nbd_shell -u "$(uri_of "$1")" -c "stop = '$tmp/$1.stop'" -c - >"$tmp/$1.client" 2>&1 <<'END'
import errno, os
said = "served"
while not os.path.exists(stop):
    data = os.urandom(4096)
    try:
        h.pwrite(data, 8192)
        assert h.pread(4096, 8192) == data
    except nbd.Error as error:
        said = errno.errorcode[error.errnum] if error.errnum else "gone"
        break
print(said)
END
}
for name in stays changes goes; do client $name & done
clients() { "$program" status --json "$config" | jq "[.exports[].clients] | add"; }
three_clients() { [ "$(clients)" = 3 ]; }
eventually three_clients

note "a mistake changes nothing"
{ three && export_table new comes 'keyslot = 77'; } | service_config
exits 2 "$program" reload "$config"
says "keyslot=77: expected a number"
# Who looks after the service still can.
exits 0 "$program" healthcheck "$config" --ready
exits 0 "$program" status "$config"
echo '[[export' >>"$config"
exits 2 "$program" reload "$config"
exits 0 "$program" healthcheck "$config"
{ three && export_table new comes 'keyslot = 77'; } | service_config
kill -HUP "$server"
reloads_are() { [ "$("$program" status --json "$config" | jq .reloads)" = "$1" ]; }
eventually reloads_are 1
three | service_config
matches 'the config was not followed, nothing is changed' "$log"
three | service_config 'threads = 3'
exits 1 "$program" reload "$config"
says 'needs a restart: threads'
three_clients || fail "$(clients) clients"

note "exports come, change and go"
{ export_table comes comes && export_table changes changes 'readonly = true' && export_table stays stays; } |
  service_config
exits 0 "$program" reload "$config"
[ ! -s "$tmp/said" ] || fail "although all are open: $(cat "$tmp/said")"
nbdinfo --list --json "$(uri_of)" | jq -r '.exports[]."export-name"' >"$tmp/list"
printf '%s\n' comes changes stays >"$tmp/expected"
same "$tmp/expected" "$tmp/list"
exits 1 nbdinfo "$(uri_of goes)"
exits 2 nbdinfo --can write "$(uri_of changes)"
nbdinfo --can write "$(uri_of comes)"
matches 'audit event=remove export="goes"' "$log"
told() { [ -s "$tmp/$1.client" ]; }
for name in changes goes; do
  eventually told $name
  [ "$(cat "$tmp/$name.client")" = ESHUTDOWN ] || fail "client of $name: $(cat "$tmp/$name.client")"
done
told stays && fail "the client of stays was told: $(cat "$tmp/stays.client")"

note "by SIGHUP the same"
{ export_table stays stays && export_table goes goes; } | service_config
kill -HUP "$server"
goes_is_open() { [ "$(state goes)" = open ]; }
eventually goes_is_open

note "what is late comes up by itself, and is said once"
mv "$tmp/late.payload" "$tmp/late.away"
{ export_table stays stays && export_table late late; } | service_config
exits 0 "$program" reload "$config"
says '^luksdetached: export late is not ready: failed: .*late.payload: No such file or directory .is tried again.$'
[ "$(wc -l <"$tmp/said")" = 1 ] || fail "not one line: $(cat "$tmp/said")"
[ "$(state late)" = failed ] || fail "late is $(state late)"
mv "$tmp/late.away" "$tmp/late.payload"
late_is_open() { [ "$(state late)" = open ]; }
eventually late_is_open
[ "$(grep -c 'export late is refused' "$log")" = 1 ] || fail "$(grep late "$log")"

touch "$tmp/stays.stop"
eventually told stays
[ "$(cat "$tmp/stays.client")" = served ] || fail "client of stays: $(cat "$tmp/stays.client")"
ends_within_a_second
