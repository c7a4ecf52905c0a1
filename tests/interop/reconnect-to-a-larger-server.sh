#!/bin/bash
# A payload that is larger when its server comes back is so for new clients, to its end; those that were
# there before go on.
. "$(dirname -- "$0")/lib.sh"
. "$here/reconnect.sh"

for kind in unix qemu; do
  note "$kind"
  make_luks2 v 1M --sector-size 4096
  payload_server $kind
  comes
  serve "header=$tmp/v.header" "payload=$payload_uri" "secret=$tmp/v.secret" reconnect-timeout=30
  mkfifo "$tmp/$kind.back"
  nbd_shell -u "$uri" -c "uri = '$uri'; base = '$tmp/$kind'" -c - <<'PYTHON' &
import nbd, os
old = os.urandom(4096)
h.pwrite(old, (1 << 20) - 4096)
open(base + ".ready", "w").close()
open(base + ".back").close()  # waits
assert h.pread(4096, (1 << 20) - 4096) == old
new = nbd.NBD()
new.connect_uri(uri)
assert new.get_size() == 3 << 20, new.get_size()
tail = os.urandom(10000)
new.pwrite(tail, (3 << 20) - 10000)
new.flush()
assert new.pread(10000, (3 << 20) - 10000) == tail
assert h.get_size() == 1 << 20
h.pwrite(old, 4096)
assert new.pread(4096, 4096) == old
open(base + ".tail", "wb").write(tail)
PYTHON
  client=$!
  defer stop_quietly "$client"
  eventually test -e "$tmp/$kind.ready"
  vanishes
  truncate -s 3M "$tmp/v.payload"
  comes
  : >"$tmp/$kind.back"
  wait "$client" || fail "the client failed: $(cat "$log")"
  stop "$server"
  decrypted v 4096 | tail -c 10000 >"$tmp/tail"
  same "$tmp/tail" "$tmp/$kind.tail"
  vanishes
done
