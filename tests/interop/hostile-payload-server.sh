#!/bin/bash
# Whatever the server of a payload does to a volume in use: clients get an error in time, the process
# goes on, and so does the export when the server is honest again, for clients that were there before.
. "$(dirname -- "$0")/lib.sh"
. "$here/faults.sh"
. "$here/hostile.sh"

make_luks2 v 1M --sector-size 512
plain v 512
limit=1
hostile payload "$tmp/v.payload"
serve "header=$tmp/v.header" "payload=$uri" "secret=$tmp/v.secret" discard=true reconnect-timeout=$limit
/usr/bin/python3 -B "$here/hostile_payload_client.py" "$uri" "$tmp/payload" "$limit" "$(rounds 1 5)"
kill -0 "$server" || fail "the plugin's nbdkit ended"
[ "$(wc -l <"$log")" -le 400 ] || fail "$(wc -l <"$log") lines of log"
stop "$server"
