#!/bin/bash
# The payload is an image of a Ceph cluster that loses one OSD by kill -9 and then another, for a while,
# which hangs, all under the load of many connections. Requests wait until the cluster knows; none fails;
# each byte read is what was written, and so is what libgcrypt makes of the image at the end.
. "$(dirname -- "$0")/../interop/lib.sh"
. "$here/../ceph/lib.sh"

start_cluster
make_luks2 v 32M --sector-size 4096
make_image disk v
serve --filter=log "header=$tmp/v.header" payload=qemu:raw:rbd:rbd/disk "secret=$tmp/v.secret" \
  logfile="$tmp/requests"

setpriv --pdeathsig KILL "$build/tests/tools/nbd_model" "$uri" 4096 8 2000 "$tmp/model" &
load=$!
defer stop_quietly "$load"

# answers: how many requests had one until now.
answers() { grep -c 'return=' "$tmp/requests" || true; }

# goes_on: a thousand requests more are answered.
goes_on() {
  local wanted=$(($(answers) + 1000)) end=$((SECONDS + 60))
  until [ "$(answers)" -ge $wanted ]; do
    kill -0 "$load" 2>/dev/null || fail "the load ended before it had $wanted answers: $(answers)"
    [ $SECONDS -lt $end ] || fail "only $(answers) answers of $wanted within a minute"
    sleep 0.1
  done
}

goes_on
note "one OSD is killed, after $(answers) answers"
kill_daemon osd.0
eventually osds_up 2
goes_on

note "one hangs, after $(answers)"
kill -STOP "${daemons[osd.1]}"
eventually osds_up 1
goes_on

note "it comes back, after $(answers)"
kill -CONT "${daemons[osd.1]}"
eventually osds_up 2
wait "$load" || fail "the load ended with status $?"
note "$(answers) answers"
if grep 'return=-1' "$tmp/requests"; then fail "requests failed"; fi
stop "$server"
as_image disk v model
