#!/bin/bash
# As many connections to an export as its max-clients says; the next one is refused, and let in when one
# of them has gone. Others exports have limits of their own. A reload changes it.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

make_luks2 vm1 256K
make_luks2 vm2 256K
{
  export_table vm1 vm1 'max-clients = 2'
  export_table vm2 vm2
} | service_config
start_service
settled

# stays N: client N of vm1, until $tmp/N.stop is there.
stays() {
  nbd_shell -u "$(uri_of vm1)" -c "name = '$tmp/$1'" -c - <<'END' &
import os, time
open(name + ".open", "w").close()
while not os.path.exists(name + ".stop"):
    time.sleep(0.05)
h.pread(4096, 0)
END
  defer stop_quietly $!
  eventually test -e "$tmp/$1.open"
}
stays 1
stays 2
exits 1 nbdinfo --size "$(uri_of vm1)"
matches 'event=refusal export="vm1" .*reason="export vm1 has as many connections as its max-clients allows, 2"' "$log"
exits 0 nbdinfo --size "$(uri_of vm2)"

note "one goes"
touch "$tmp/1.stop"
eventually nbdinfo --size "$(uri_of vm1)"

note "less than there are: they stay"
stays 3
{
  export_table vm1 vm1 'max-clients = 1'
  export_table vm2 vm2
} | service_config
exits 0 "$program" reload "$config"
touch "$tmp/2.stop"
one_left() { [ "$("$program" status --json "$config" | jq '.exports[0].clients')" = 1 ]; }
eventually one_left
exits 1 nbdinfo --size "$(uri_of vm1)"
touch "$tmp/3.stop"
eventually nbdinfo --size "$(uri_of vm1)"
ends_within_a_second
