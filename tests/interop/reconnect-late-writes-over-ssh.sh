#!/bin/bash
# An SFTP server may still carry out a write when the session over which it came is gone, of which
# nbdkit tells by an error, not by ending the connection. What is acknowledged afterwards for the
# same bytes is what stays.
. "$(dirname -- "$0")/lib.sh"
. "$here/tls.sh"
. "$here/servers.sh"
. "$here/faults.sh"

make_luks2 v 1M --sector-size 512
plain v 512
ssh_server
serve "header=$tmp/v.header" "payload=ssh://$ssh$tmp/v.payload?$ssh_keys" "secret=$tmp/v.secret" \
  reconnect-timeout=30
export=$server
nbd_shell -u "$uri" -c 'h.pread(512, 0)' # until now another session may have been in use
sleep 2.2                                # an error over a younger session is believed at once
sftp=() between=() # the SFTP servers, and what passes on to them what comes over the network
for process in $(below "$sshd"); do
  if pgrep -P "$process" >/dev/null; then between+=("$process"); else sftp+=("$process"); fi
done
kill -STOP "${sftp[@]}"
defer kill -KILL "${sftp[@]}"
nbd_shell -u "$uri" -c "model = '$tmp/model'" -c - <<'PYTHON' &
import os
content = bytearray(open(model, "rb").read())
first, second = os.urandom(4096), os.urandom(4096)
h.pwrite(first, 8192)
h.pwrite(second, 8192)
content[8192:12288] = second
h.flush()
open(model, "wb").write(content)
PYTHON
client=$!
defer stop_quietly "$client"
sleep 0.7 # the first write is in the pipe to the SFTP server
before=$(sha256sum <"$tmp/v.payload")
kill -KILL "${between[@]}"
sleep 1.2
[ "$before" = "$(sha256sum <"$tmp/v.payload")" ] ||
  fail "a write did not wait for the lost session's"
kill -CONT "${sftp[@]}"
carried_out() { [ "$before" != "$(sha256sum <"$tmp/v.payload")" ]; }
eventually carried_out
wait "$client" || fail "the client saw it: $(cat "$log")"
stop "$export"
as_model v 512
