#!/bin/bash
# A payload that another process is writing is refused, whoever that is, and QEMU refuses one that
# the plugin is writing. The message names the holder.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 1M --sector-size 512
parameters v
in_use='v.payload.*(in use|busy|writer|writing|locked)'

note "another server, not who has another file locked"
exec {other}>"$tmp/other"
flock "$other"
serve "${parameters[@]}"
refused "v\.payload: process $server \(nbdkit\) has it locked" "${parameters[@]}"

note "lock=false gives up the protection on one's own word"
first=$server
serve "${parameters[@]}" lock=false
stop "$server"
refused "$in_use" "${parameters[@]}" # the first one's lock is still there

note "QEMU sees the lock"
expect_failure qemu-img convert -f raw -O raw "$tmp/v.payload" "$tmp/copy"
matches 'lock' "$tmp/failure.out"
expect_failure qemu-io -f raw -c 'write 0 512' "$tmp/v.payload"
matches 'lock' "$tmp/failure.out"
stop "$first"
qemu-img convert -f raw -O raw "$tmp/v.payload" "$tmp/copy"
before=$(sha256sum <"$tmp/v.payload")
serve "${parameters[@]}"
stop "$server"
[ "$before" = "$(sha256sum <"$tmp/v.payload")" ] || fail "serving alone changed the payload"

note "QEMU holds it"
qemu-nbd -t -f raw -k "$tmp/qemu.sock" --pid-file="$tmp/qemu.pid" "$tmp/v.payload" &
qemu=$!
defer stop_quietly "$qemu"
eventually test -s "$tmp/qemu.pid"
refused "v\.payload: process $qemu \(qemu-nbd\) has it locked" "${parameters[@]}"
kill "$qemu"
wait "$qemu" || true

note "any other process with a lock"
/usr/bin/python3 -c "
import fcntl, struct, time
file = open('$tmp/v.payload', 'r+b')
F_OFD_SETLK = 37
fcntl.fcntl(file, F_OFD_SETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 0, 0))
open('$tmp/held', 'w').close()
time.sleep(600)" &
holder=$!
defer stop_quietly "$holder"
eventually test -e "$tmp/held"
refused "v\.payload: process $holder \(python3.*\) has it locked" "${parameters[@]}"
