#!/bin/bash
# Exports are a guest's disks as README tells QEMU: one from its start, another plugged in and out while it
# runs. What the guest writes is in the payloads, encrypted; its fsync makes the payload's server flush.
. "$(dirname -- "$0")/../interop/lib.sh"
. "$here/../interop/service.sh"
. "$here/../vm/lib.sh"

make_luks2 vm1 24M --sector-size 4096
make_luks2 vm2 16M --sector-size 512
serve_plain --filter=log file "$tmp/vm1.payload" logfile="$tmp/requests"
storage=$uri
socket=$tmp/nbd.sock
service_config < <(
  export_table vm1 vm1 "payload = \"$storage\""
  export_table vm2 vm2
)
start_service
settled

# shown LANGUAGE [EXPORT]: README's block with this test's socket, for the export of that name.
shown() { fenced "$1" | sed "s#/run/luksdetached/nbd\\.sock#$socket#; s#\bvm1\b#${2:-vm1}#g"; }

note "a disk from the start"
mapfile -t disk < <(shown qemu | tr -s ' ' '\n')
[ "${disk[0]} ${disk[2]}" = "-blockdev -device" ] || fail "README has other options: ${disk[*]}"
boot "${disk[@]}" -device pcie-root-port,id=hotplug1,chassis=1
guest 'appears /dev/vda; fill /dev/vda one'

guest 'mount /dev/vda /mnt'
before=$(wc -l <"$tmp/requests")
guest 'echo durable | dd of=/mnt/durable conv=fsync 2>/dev/null'
tail -n "+$((before + 1))" "$tmp/requests" | sed -nE 's/.* (Write|Flush) id=.*offset.*|.* (Flush) id=.* \.\.\.$/\1\2/p' |
  tr '\n' ' ' >"$tmp/asked"
matches 'Write.*Flush' "$tmp/asked"
guest 'umount /mnt; sum /dev/vda' >"$tmp/sum1"

# connections of QEMU to the service.
connections() { ss -Hx state connected src "$socket" | wc -l; }
[ "$(connections)" = 1 ] || fail "$(connections) connections"

note "plugged in through QMP"
shown qmp vm2 | while read -r command; do qmp "$command"; done
guest 'appears /dev/vdb; fill /dev/vdb two; cat /tmp/sum.two' >"$tmp/sum2"
[ "$(connections)" = 2 ] || fail "$(connections) connections"
unplug() {
  : >"$tmp/events"
  qmp '{"execute": "device_del", "arguments": {"id": "vm2-disk"}}'
  happens DEVICE_DELETED vm2-disk
  guest 'goes /dev/vdb'
}
unplug
qmp '{"execute": "blockdev-del", "arguments": {"node-name": "vm2"}}'
alone() { [ "$(connections)" = 1 ]; }
eventually alone

note "plugged in again through the monitor"
hmp() { # COMMAND: that has nothing to complain about
  qmp "$(jq -nc --arg line "$1" '{execute: "human-monitor-command", arguments: {"command-line": $line}}')"
  [[ $(jq -r .return <<<"$line") =~ ^(OK)?[[:space:]]*$ ]] || fail "$1: $line"
}
shown hmp vm2 | while read -r command; do hmp "$command"; done
guest 'appears /dev/vdb; has /dev/vdb two'
unplug
eventually alone
guest 'mount -o ro /dev/vda /mnt; [ "$(cat /mnt/durable)" = durable ]; umount /mnt'

note "what is in the payloads"
stop_quietly "$qemu"
decrypted vm1 4096 >"$tmp/plain1"
decrypted vm2 512 >"$tmp/plain2"
for number in 1 2; do
  [ "$(sha256sum <"$tmp/plain$number")" = "$(cat "$tmp/sum$number")" ] || fail "vm$number has other bytes"
  e2fsck -fn "$tmp/plain$number" >"$tmp/e2fsck" 2>&1 || fail "the file system of vm$number: $(cat "$tmp/e2fsck")"
done
[ "$(debugfs -R 'cat /durable' "$tmp/plain1" 2>/dev/null)" = durable ] || fail "the file is not there"
