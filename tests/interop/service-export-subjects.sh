#!/bin/bash
# Who may open an export, by the subject of a verified client certificate: where nbdkit tells it
# (1.42), each client gets its own; an older nbdkit is said to be too old, at the place in the config.
. "$(dirname -- "$0")/lib.sh"
. "$here/tls.sh"
. "$here/service.sh"

make_luks2 vm1 256K
make_luks2 vm2 256K
authority ca
certificate ca server server 'ip_address = 127.0.0.1'
certificate ca alice client 'organization = Example'
certificate ca bob client 'organization = Example'
port=$(free_port 127.0.0.1)
service_config 'tls = "require"' "tls-certificates = \"$tmp/server\"" 'tls-verify-peer = true' < <(
  export_table vm1 vm1 'allow-subject = ["CN=alice,O=Example"]'
  export_table vm2 vm2 'allow-subject = ["CN=alice,O=Example", "CN=bob,O=Example"]'
)
sed -i "s#^listen = .*#listen = [\"tcp:127.0.0.1:$port\"]#" "$config"

minor=$(nbdkit --version | sed -E 's/^nbdkit 1\.([0-9]+)\..*/\1/')
if [ "$minor" -lt 42 ]; then
  note "nbdkit 1.$minor tells no subjects"
  line=$(grep -n '^allow-subject' "$config" | head -n 1 | cut -d: -f1)
  needs="config\.toml:$line:17: allow-subject needs nbdkit 1\.42 or newer"
  exits 2 "$program" config check "$config"
  says "$needs"
  exits 2 "${serve_under_test[@]}" "$config"
  says "$needs"
  refused "error: .*$needs" "config=$config"

  note "nor does it after a reload"
  sed '/^allow-subject/d' "$config" >"$tmp/without"
  cp "$config" "$tmp/with"
  cp "$tmp/without" "$config"
  start_service
  settled
  cp "$tmp/with" "$config"
  exits 2 "$program" reload "$config"
  kill -HUP "$server"
  eventually grep -q "the config was not followed, nothing is changed: .*allow-subject needs nbdkit" "$log"
  cp "$tmp/without" "$config"
  ends_within_a_second
  exit 0
fi

start_service
settled
by() { printf 'nbds://127.0.0.1:%s/%s?tls-certificates=%s' "$port" "$2" "$tmp/$1"; }
exits 0 nbdinfo --size "$(by alice vm1)"
exits 0 nbdinfo --size "$(by alice vm2)"
exits 1 nbdinfo --size "$(by bob vm1)"
exits 0 nbdinfo --size "$(by bob vm2)"
nbdinfo --list --json "$(by bob '')" | jq -r '.exports[]."export-name"' >"$tmp/list"
[ "$(cat "$tmp/list")" = vm2 ] || fail "bob sees $(cat "$tmp/list")"
matches 'event=open export="vm1" peer=tcp address=127\.0\.0\.1 port=[0-9]+ tls=certificate subject="CN=alice,O=Example"' "$log"
matches 'event=refusal export="vm1" .* tls=certificate subject="CN=bob,O=Example" .*allow-subject' "$log"
ends_within_a_second
