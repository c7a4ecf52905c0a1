#!/bin/bash
# The log has a line for each unlock, open, refusal, close and removal, with who it was. What a client
# calls an export forges no field and no line, and refusals by the hundred do not flood the log.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

make_luks2 vm1 256K
make_luks2 vm2 256K
{
  export_table vm1 vm1
  export_table vm2 vm2 'readonly = true'
} | service_config
start_service
settled
audited() { grep -E '^nbdkit: luksdetached: (info|notice|warning): audit event=' "$log"; }
is_audited() { audited | grep -Eq -- "$1" || fail "nothing like '$1' in: $(audited)"; }

is_audited "notice: audit event=unlock export=\"vm1\" keyslot=0 header=\"$tmp/vm1\.header\"\$"

note "open and close"
me="peer=unix uid=$(id -u) gid=$(id -g) pid=[0-9]+ tls=none"
nbd_shell -u "$(uri_of vm1)" -c 'h.pread(4096, 0)'
closed() { audited | grep -q "event=close export=\"vm1\""; }
eventually closed
is_audited "info: audit event=open export=\"vm1\" $me connection=1 access=read-write\$"
is_audited "info: audit event=close export=\"vm1\" $me connection=1 seconds=[0-9]+\$"
nbd_shell -u "$(uri_of vm2)" -c 'h.pread(4096, 0)'
is_audited "event=open export=\"vm2\" $me connection=2 access=read-only\$"

note "a hostile name"
lines=$(wc -l <"$log")
nbd_shell -c "socket = '$socket'" -c - <<'END'
h.set_export_name('x" uid=0 y="\naudit event=open export="vm1\\\x1b[2J\u202e')
try:
    h.connect_unix(socket)
    raise SystemExit("opened")
except nbd.Error:
    pass
END
tail -n +$((lines + 1)) "$log" | grep -v 'event=close' >"$tmp/new.log"
[ "$(wc -l <"$tmp/new.log")" = 1 ] || fail "not one line: $(cat "$tmp/new.log")"
grep -Fq 'warning: audit event=refusal export="x\" uid=0 y=\"\x0aaudit event=open export=\"vm1\\\x1b[2J\xe2\x80\xae" peer=unix ' \
  "$tmp/new.log" || fail "$(cat "$tmp/new.log")"

note "a flood"
nbd_shell -c "socket = '$socket'" -c - <<'END'
for n in range(300):
    client = nbd.NBD()
    client.set_export_name("none")
    try:
        client.connect_unix(socket)
        raise SystemExit("opened")
    except nbd.Error:
        pass
END
count=$(grep -c event=refusal "$log")
[ "$count" -lt 100 ] || fail "$count refusals in the log"
is_audited 'event=refusal export="none" .*reason="there is no export'
# After ten seconds there is room for the next one.
says_dropped() {
  exits 1 nbdinfo --size "$(uri_of none)"
  audited | grep -Eq 'event=refusal export="none" .* dropped=[0-9]+ reason='
}
eventually says_dropped

note "change and removal"
{
  export_table vm1 vm1
  export_table vm2 vm2 'keyslot = 0'
} | service_config
exits 0 "$program" reload "$config"
is_audited 'notice: audit event=remove export="vm2" detail="it was changed"$'
settled
export_table vm1 vm1 | service_config
exits 0 "$program" reload "$config"
is_audited 'notice: audit event=remove export="vm2" detail="it was removed"$'
if grep -q 'export="vm1".*event=remove' "$log"; then fail "vm1 was removed"; fi

note "a client that is there at the end"
/usr/bin/python3 -m nbd -u "$(uri_of vm1)" -c 'import time; print("connected", flush=True); time.sleep(60)' >"$tmp/client.log" &
defer stop_quietly $!
eventually grep -q connected "$tmp/client.log"
ends_within_a_second
connection=$(grep 'event=open' "$log" | tail -n 1 | grep -o 'connection=[0-9]*')
is_audited "event=close export=\"vm1\" .* $connection seconds="
matches 'notice: the service begins' "$log"
matches 'notice: the config is followed' "$log"
matches 'notice: the service ends' "$log"
