#!/bin/bash
# Of a header that lies in something large only its metadata and the key material of one slot are
# fetched. Then the server is left alone: no connection to it stays, and no child of ours.
. "$(dirname -- "$0")/lib.sh"
. "$here/tls.sh"
. "$here/servers.sh"

make_luks2 v 256K --sector-size 512
mkdir "$tmp/web"
cp "$tmp/v.header" "$tmp/web/disk"
truncate -s 1G "$tmp/web/disk"
# Two copies of 16 KiB, and 4000 stripes of 64 bytes; a few KiB for requests that meet.
enough=$((2 * 16384 + 256000 + 16384))

children() { pgrep -P "$server" || true; }
# connections PORT: that somebody still has to a server on PORT.
connections() { ss -Htn state established "dport = :$1"; }
nothing_left() { # PORT
  [ -z "$(connections "$1")" ] || fail "a connection stays: $(connections "$1")"
  [ -z "$(children)" ] || fail "children stay: $(ps -o pid,args -p "$(children | paste -sd,)")"
}

unlocks() { # HEADER
  serve "header=$1" "payload=$tmp/v.payload" "secret=$tmp/v.secret"
  [ "$(nbdinfo --size "$uri")" = 262144 ] || fail "size"
}

at_most_enough() { # BYTES
  note "$1 bytes fetched"
  [ "$1" -ge 32768 ] || fail "the log says too little: $1 bytes"
  [ "$1" -le $enough ] || fail "more than $enough bytes"
}

note "nbd"
serve_plain_tcp 127.0.0.1 --filter=log -r file "$tmp/web/disk" "logfile=$tmp/reads"
unlocks "$uri"
nothing_left "$port"
fetched=0
while read -r count; do fetched=$((fetched + count)); done < <(
  sed -n 's/.* Read id=.* count=\(0x[0-9a-f]*\) .*/\1/p' "$tmp/reads")
at_most_enough $fetched
matches 'connection=1 Disconnect' "$tmp/reads"
stop "$server"

note "http"
web_server
unlocks "$http/disk"
nothing_left "${http##*:}"
# Others may take the server for one of their own that had this port before.
grep ' /disk ' "$requests" >"$tmp/requests"
if grep -v '^HEAD ' "$tmp/requests" | grep -v ' 206 [0-9]* bytes='; then fail "not for a range"; fi
at_most_enough "$(awk '$1 == "GET" { sum += $4 } END { print sum }' "$tmp/requests")"
stop "$server"

note "ssh"
ssh_server
unlocks "ssh://$ssh$tmp/web/disk?$ssh_keys"
nothing_left "${ssh##*:}"
sent=$(sed -n 's/^Transferred: sent \([0-9]*\),.*/\1/p' "$tmp"/sshd*.log | tail -n 1)
at_most_enough "$((sent - 8192))" # the handshake is in it
stop "$server"

note "qemu"
unlocks "qemu:raw:$tmp/web/disk"
nothing_left 1
stop "$server"
