#!/bin/bash
# nbdkit in the background has no standard error: what the plugin has to say goes to syslog, with its
# level.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

# A /dev of its own, where the test is syslog.
if [ "${1:-}" != inside ]; then
  unshare --mount true 2>/dev/null || skip "no mount namespaces here"
  status=0
  unshare --mount -- "$0" inside || status=$?
  exit "$status"
fi
mkdir "$tmp/dev" "$tmp/dev/shm"
for device in null zero full random urandom; do
  touch "$tmp/dev/$device"
  mount --bind "/dev/$device" "$tmp/dev/$device"
  defer umount --lazy "$tmp/dev/$device"
done
mount --rbind "$tmp/dev" /dev
defer umount --recursive --lazy /dev
/usr/bin/python3 - /dev/log "$tmp/syslog.log" <<'END' &
import os, socket, sys
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind(sys.argv[1])
with open(sys.argv[2], "ab", buffering=0) as file:
    while True:
        file.write(log.recv(65536).rstrip(b"\0\n") + b"\n")
END
defer stop_quietly $!
eventually test -S /dev/log

make_luks2 vm1 256K
make_luks2 vm2 256K
printf wrong >"$tmp/vm2.secret"
{
  export_table vm1 vm1
  export_table vm2 vm2
} | service_config
"${nbdkit_under_test[@]}" -U "$socket" -P "$tmp/d.pid" "$plugin" "config=$config"
eventually test -s "$tmp/d.pid"
daemon=$(cat "$tmp/d.pid")
defer stop_quietly "$daemon"
settled
exits 0 nbdinfo --size "$(uri_of vm1)"
exits 1 nbdinfo --size "$(uri_of vm2)"

# <8 * facility + level>, and the facility is daemon's, 3.
says_to_syslog() { eventually grep -Eq -- "^<$1>.*luksdetached: $2" "$tmp/syslog.log"; }
says_to_syslog 27 'export vm2 is refused to clients: cannot unlock'
says_to_syslog 28 'audit event=refusal export="vm2"'
says_to_syslog 29 'export vm1 is open: '
says_to_syslog 30 'audit event=open export="vm1"'
kill "$daemon"
gone() { ! kill -0 "$daemon" 2>/dev/null; }
eventually gone
