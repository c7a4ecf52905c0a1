#!/bin/bash
# SIGTERM ends nbdkit soon and cleanly while requests wait for a payload's server: one that is silent,
# slow, gone, or silent when it is connected to anew.
. "$(dirname -- "$0")/lib.sh"
. "$here/hostile.sh"

make_luks2 v 1M --sector-size 512
hostile payload "$tmp/v.payload"
payload=$uri

# ends CUE…: while two clients wait for a read and a write.
ends() {
  note "$@"
  cue payload
  serve "header=$tmp/v.header" "payload=$payload" "secret=$tmp/v.secret" reconnect-timeout=600
  : >"$tmp/waiting"
  rm -f "$tmp/go"
  local clients=() request
  for request in 'pread(4096, 0)' 'pwrite(bytes(4096), 65536)'; do
    nbd_shell -u "$uri" -c "open('$tmp/waiting', 'a').write('.')" -c 'import os, time' \
      -c "while not os.path.exists('$tmp/go'): time.sleep(0.05)" -c "h.$request" >"$tmp/answer" 2>&1 &
    clients+=($!)
    defer stop_quietly $!
  done
  both_wait() { [ "$(cat "$tmp/waiting")" = .. ]; }
  eventually both_wait
  cue payload "$@"
  touch "$tmp/go"
  sleep 1.5
  stops_within 6
  # Nothing was answered as if it had been done.
  for request in "${clients[@]}"; do
    if wait "$request"; then fail "a request succeeded"; fi
  done
}
for how in silent stalled trickle chunks-for-ever; do ends reply=$how; done
for how in silent close trickle; do
  ends reply=close greeting=$how
  ends reply=close options=$how
done
ends reply=close size=512

note "gone, and then silent where TLS should begin"
psktool -u alice -p "$tmp/keys.psk" >/dev/null
servers=$((servers + 1))
start nbdkit -U "$tmp/tls.sock" --tls=require --tls-psk="$tmp/keys.psk" file "$tmp/v.payload"
tls=$server
serve "header=$tmp/v.header" "payload=nbds+unix://alice@/?socket=$tmp/tls.sock&tls-psk-file=$tmp/keys.psk" \
  "secret=$tmp/v.secret" reconnect-timeout=600
export_server=$server
kill -KILL "$tls" # by itself it would wait for us to leave
wait "$tls" || true
unset "running[$tls]"
rm -f "$tmp/tls.sock"
payload_server=$hostile
hostile tls "$tmp/v.payload"
cue tls tls=silent
again() { [ -s "$tmp/tls.asked" ]; }
eventually again
sleep 1
server=$export_server
stops_within 6
hostile=$payload_server

note "gone"
cue payload
serve "header=$tmp/v.header" "payload=$payload" "secret=$tmp/v.secret" reconnect-timeout=600
kill -KILL "$hostile"
nbd_shell -u "$uri" -c 'h.pread(4096, 0)' >"$tmp/answer" 2>&1 &
client=$!
defer stop_quietly "$client"
sleep 1.5
stops_within 6
if wait "$client"; then fail "a request succeeded"; fi
