#!/bin/bash
# Who may open an export: users and groups at the unix socket, by their numbers and names, and nobody
# else, not even root. Who may not sees no difference to an export that is not there. Rules that change
# on reload hold for those who come after it, and close nothing.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

[ "$(id -u)" = 0 ] || skip "only root can be another user"
chmod 0711 "$tmp"
for name in alice staff both open; do make_luks2 $name 256K; done
alice=54321
rules() { # LINE…: more of alice's export
  export_table open open
  export_table alice alice "allow-uid = [$alice]" "$@"
  export_table staff staff 'allow-gid = ["staff"]'
  export_table both both "allow-uid = [\"root\", $alice]" 'allow-gid = ["staff"]'
}
service_config 'default = "alice"' < <(rules)
start_service
settled
chmod 0666 "$socket"

# client UID GID: who ${as[@]} is from now on.
client() { as=(setpriv --reuid="$1" --regid="$2" --clear-groups); }
staff=$(getent group staff | cut -d: -f3)

# sees UID GID EXPORT…: this client has exactly these in its list, and can open exactly these.
sees() {
  local name
  client "$1" "$2"
  shift 2
  "${as[@]}" nbdinfo --list --json "$(uri_of)" | jq -r '.exports[]."export-name"' >"$tmp/list"
  printf '%s\n' "$@" >"$tmp/expected"
  same "$tmp/expected" "$tmp/list"
  for name in open alice staff both; do
    if grep -qx "$name" "$tmp/expected"; then
      exits 0 "${as[@]}" nbdinfo --size "$(uri_of "$name")"
    else
      exits 1 "${as[@]}" nbdinfo --size "$(uri_of "$name")"
      sed "s/\b$name\b/NAME/g" "$tmp/said" >"$tmp/refused"
      exits 1 "${as[@]}" nbdinfo --size "$(uri_of nothing)"
      sed 's/\bnothing\b/NAME/g' "$tmp/said" >"$tmp/missing"
      same "$tmp/missing" "$tmp/refused"
    fi
  done
}
note "users and groups"
sees $alice 54321 open alice both
sees 54322 "$staff" open staff both
sees 54322 54322 open
sees 0 0 open both
client $alice 54321
exits 0 "${as[@]}" nbdinfo --size "$(uri_of)" # the default
client 54322 54322
exits 1 "${as[@]}" nbdinfo --size "$(uri_of)"

note "the log has the reason"
refusal='audit event=refusal export="alice" peer=unix uid=54322 gid=[0-9]+ pid=[0-9]+ tls=none (dropped=[0-9]+ )?reason="the client is not in what the export has of allow-uid"'
matches "$refusal" "$log"

note "a reload changes rules and closes nothing"
nbd_shell -u "$(uri_of both)" -c "stop = '$tmp/stop'" -c - >"$tmp/client" 2>&1 <<'END' &
import os, time
print("open", flush=True)
while not os.path.exists(stop):
    h.pread(4096, 0)
    time.sleep(0.05)
print("served")
END
reader=$!
defer stop_quietly $reader
eventually grep -q open "$tmp/client"
unlocks() { grep -c 'event=unlock' "$log"; }
before=$(unlocks)
{ rules 'allow-uid = [54322]' | sed 's/^allow-uid = \["root.*/allow-uid = [1]/'; } |
  service_config 'default = "alice"'
exits 0 "$program" reload "$config"
settled
sees $alice 54321 open
sees 54322 54322 open alice
sees 0 0 open
[ "$(unlocks)" = "$before" ] || fail "a change of rules unlocked an export again"
touch "$tmp/stop"
wait $reader || fail "the client of both: $(cat "$tmp/client")"
[ "$(tail -n 1 "$tmp/client")" = served ] || fail "the client of both: $(cat "$tmp/client")"

note "TCP clients have no user"
ends_within_a_second
port=$(free_port 127.0.0.1)
rules | service_config
sed -i "s#^listen = .*#listen = [\"tcp:127.0.0.1:$port\"]#" "$config"
start_service
settled
exits 0 nbdinfo --size "nbd://127.0.0.1:$port/open"
exits 1 nbdinfo --size "nbd://127.0.0.1:$port/both"
matches 'event=refusal export="both" peer=tcp address=127\.0\.0\.1 port=[0-9]+ tls=none' "$log"
ends_within_a_second

note "mistakes"
rules 'allow-uid = ["nobody-of-that-name"]' | service_config
exits 2 "$program" config check "$config"
says "config\.toml:[0-9]+:14: allow-uid: there is no user called 'nobody-of-that-name'"
