#!/bin/bash
# A payload's server with a write cache in its memory, which is lost with it, even when it is told
# to end: what was flushed before, or written durably, is there when it comes back.
#
# What was acknowledged, and neither, may be lost, and a flush after the server came back does not
# tell: NBD has no word for it, and whether the server had it in its memory is not known.
. "$(dirname -- "$0")/lib.sh"
. "$here/reconnect.sh"

make_luks2 v 16M --sector-size 4096
payload_server volatile
comes
serve "header=$tmp/v.header" "payload=$payload_uri" "secret=$tmp/v.secret" reconnect-timeout=30

# nbdkit tells whoever asks it for something that it is ending, and waits until they are gone.
gone() { ! kill -0 "$payload_server" 2>/dev/null; }
told_to_end() {
  kill -TERM "$payload_server"
  nbd_shell -u "$uri" -c 'import os, time' -c "back = '$tmp/back'" \
    -c 'while not os.path.exists(back): h.pread(512, 0); time.sleep(0.05)' &
  reader=$!
  defer stop_quietly "$reader"
  eventually gone
  comes
  : >"$tmp/back"
  wait "$reader" || fail "a read saw it"
}

note "told to end"
nbd_shell -u "$uri" -c 'h.pwrite(b"f" * 4096, 0)' -c 'h.flush()' \
  -c 'h.pwrite(b"d" * 4096, 1 << 20, nbd.CMD_FLAG_FUA)' -c 'h.pwrite(b"c" * 4096, 2 << 20)'
told_to_end
nbd_shell -u "$uri" -c - <<'PYTHON'
assert h.pread(4096, 0) == b"f" * 4096, "what was flushed is lost"
assert h.pread(4096, 1 << 20) == b"d" * 4096, "what was durable is lost"
assert h.pread(4096, 2 << 20) != b"c" * 4096, "nothing is lost: this test sees nothing"
h.flush()
PYTHON

note "killed in the middle of long durable writes"
payload_delay=20 # so that each takes a while
vanishes
comes
for delay in 0.1 0.25; do
  rm -f "$tmp/begun"
  nbd_shell -u "$uri" -c "tmp = '$tmp'" -c - <<'PYTHON' &
import os
data = os.urandom(16 << 20)
open(tmp + "/begun", "w").close()
h.pwrite(data, 0, nbd.CMD_FLAG_FUA)
open(tmp + "/durable", "wb").write(data)
PYTHON
  writer=$!
  eventually test -e "$tmp/begun"
  sleep "$delay"
  vanishes
  comes
  wait "$writer" || fail "a write saw it"
  vanishes # and what was in its memory with it
  comes
  nbdcopy "$uri" "$tmp/read"
  same "$tmp/durable" "$tmp/read"
done
stop "$server"
