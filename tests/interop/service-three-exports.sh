#!/bin/bash
# Three exports from one file. Two serve different data under their names; the third, with a wrong
# secret, is refused to clients and takes nobody down, and the log and the status say why.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

make_luks2 vm1 1M --sector-size 512
make_luks2 vm2 2M --sector-size 4096
make_luks2 vm3 1M
printf 'not the secret' >"$tmp/wrong"
secrets+=("$tmp/wrong")
service_config 'default = "vm2"' 'threads = 2' < <(
  export_table vm1 vm1
  export_table vm3 vm3 "secret = \"$tmp/wrong\""
  export_table vm2 vm2
  export_table vm1-readonly vm1 'readonly = true'
  export_table 'ein Name, é/%' vm2 'readonly = true'
)
exits 0 "$program" config check "$config"
says 'good, 5 exports'
start_service
settled

note "two writers, two sets of data"
noise 1M >"$tmp/plain1"
noise 2M >"$tmp/plain2"
before=$(sha256sum <"$tmp/vm2.payload")
nbdcopy --flush "$tmp/plain1" "$(uri_of vm1)"
[ "$before" = "$(sha256sum <"$tmp/vm2.payload")" ] || fail "a write to vm1 changed vm2"
before=$(sha256sum <"$tmp/vm1.payload")
nbdcopy --flush "$tmp/plain2" "$(uri_of vm2)"
[ "$before" = "$(sha256sum <"$tmp/vm1.payload")" ] || fail "a write to vm2 changed vm1"
decrypted vm1 512 >"$tmp/decrypted"
same "$tmp/plain1" "$tmp/decrypted"
decrypted vm2 4096 >"$tmp/decrypted"
same "$tmp/plain2" "$tmp/decrypted"

note "by their names, and without one"
reads "$tmp/plain1" vm1
reads "$tmp/plain2" vm2
reads "$tmp/plain2"
reads "$tmp/plain2" ein%20Name,%20%C3%A9/%25

note "read-only"
reads "$tmp/plain1" vm1-readonly
nbdinfo --can write "$(uri_of vm1)"
exits 2 nbdinfo --can write "$(uri_of vm1-readonly)"
expect_failure nbdcopy "$tmp/plain2" "$(uri_of vm1-readonly)"

note "the list has what can be opened"
nbdinfo --list --json "$(uri_of)" | jq -r '.exports[]."export-name"' | sort >"$tmp/list"
printf '%s\n' 'ein Name, é/%' vm1 vm1-readonly vm2 | sort >"$tmp/expected"
same "$tmp/expected" "$tmp/list"

note "refused: a wrong secret, an unknown name"
exits 1 nbdinfo "$(uri_of vm3)"
cat "$tmp/said"
exits 1 nbdinfo "$(uri_of vm4)"
cat "$tmp/said"
exits 1 nbdinfo "$(uri_of vm)"
[ "$(state vm3)" = failed ] || fail "state of vm3: $(state vm3)"
reason vm3 >"$tmp/reason"
matches 'cannot unlock header .*vm3\.header: .*secret.*(match|open|unlock)' "$tmp/reason"
matches "error: export vm3 is refused to clients: cannot unlock header .*vm3\.header" "$log"
matches 'there is no export' "$log"
for secret in "${secrets[@]}"; do
  if grep -Fq -- "$(cat "$secret")" "$log" "$tmp/reason"; then fail "a secret is shown"; fi
done

note "status"
exits 0 "$program" status "$config"
says '^NAME +STATE +SIZE +CLIENTS +MODE +DETAILS$'
says '^vm1 +open +1 MiB +0 +read-write +aes-xts-plain64 .*key slot 0 of .*/vm1\.header at .*, [0-9]+ requests, none failed$'
says '^vm1-readonly +open +1 MiB +0 +read-only '
says '^vm3 +failed +- +0 +- +cannot unlock header'
exits 0 "$program" status --json "$config"
jq -e --argjson pid "$server" '.pid == $pid and (.version | type) == "string" and
  ([.exports[].name] == ["vm1", "vm3", "vm2", "vm1-readonly", "ein Name, é/%"]) and
  (now - (.started | fromdate) | . >= 0 and . < 600) and
  (.exports[0] | {name, state, clients, size, writable, keyslot, reconnects} ==
    {name: "vm1", state: "open", clients: 0, size: 1048576, writable: true, keyslot: 0, reconnects: 0} and
    (.header | endswith("/vm1.header")) and .cipher == "aes-xts-plain64" and .requests.read.errors == 0 and
    (now - (.unlocked | fromdate) | . >= 0 and . < 600)) and
  .exports[3].writable == false' "$tmp/said" >/dev/null || fail "status: $(cat "$tmp/said")"

note "health"
exits 0 "$program" healthcheck "$config"
exits 0 "$program" healthcheck "$config" --ready vm1 vm2
exits 0 "$program" healthcheck --ready "$config" vm1
exits 1 "$program" healthcheck "$config" --ready
says 'export vm3 is not ready: failed: '
exits 1 "$program" healthcheck "$config" --ready vm1 vm3
exits 1 "$program" healthcheck "$config" --ready vm4
says 'export vm4 is not ready: there is none'

note "the end"
ends_within_a_second
exits 1 "$program" healthcheck "$config"
says 'does not answer on its status socket'
exits 1 "$program" status "$config"

note "nbdkit itself with the same file"
start "${nbdkit_under_test[@]}" -U "$tmp/direct.sock" "$plugin" "config=$config"
socket=$tmp/direct.sock
settled
reads "$tmp/plain1" vm1
stop "$server"
start "${nbdkit_under_test[@]}" -r -U "$tmp/direct.sock2" "$plugin" "config=$config"
socket=$tmp/direct.sock2
settled
exits 2 nbdinfo --can write "$(uri_of vm1)"
stop "$server"

note "in the background"
"${nbdkit_under_test[@]}" -U "$tmp/d.sock" -P "$tmp/d.pid" "$plugin" "config=$config"
eventually test -s "$tmp/d.pid"
daemon=$(cat "$tmp/d.pid")
defer stop_quietly "$daemon"
socket=$tmp/d.sock
settled
reads "$tmp/plain1" vm1
kill "$daemon"
gone() { ! kill -0 "$daemon" 2>/dev/null; }
eventually gone
[ ! -e "$status_socket" ] || fail "the status socket is still there"
