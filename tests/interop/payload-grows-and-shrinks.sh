#!/bin/bash
# A payload that became longer is so for clients that come afterwards; one that became too short is
# refused to them, with what is missing, until it is whole again.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 4M --sector-size 4096
parameters v
serve "${parameters[@]}"
size() { nbdinfo --size "$uri"; }
[ "$(size)" = 4194304 ] || fail "size $(size)"

note "longer"
nbd_shell -u "$uri" -c "payload = '$tmp/v.payload'" -c "uri = '$uri'" -c - <<'END'
import nbd, os
os.truncate(payload, 6 * (1 << 20) + 1000)
assert h.get_size() == 4 << 20
new = nbd.NBD()
new.connect_uri(uri)
assert new.get_size() == 6 << 20, new.get_size()
data = os.urandom(10000)
new.pwrite(data, (6 << 20) - 10000)
h.pwrite(data, (4 << 20) - 10000)
assert new.pread(10000, (4 << 20) - 10000) == data
new.shutdown()
open(payload + ".tail", "wb").write(data)
END
[ "$(size)" = 6291456 ] || fail "size $(size)"

truncate -s 6M "$tmp/v.payload" # off the part of a sector
decrypted v 4096 | tail -c 10000 >"$tmp/tail"
same "$tmp/tail" "$tmp/v.payload.tail"

note "shorter"
truncate -s 5M "$tmp/v.payload"
expect_failure nbdinfo --size "$uri"
matches 'v\.payload has become too small: it has 5242880 bytes, and 6291456 were served' "$log"

note "whole again"
truncate -s 6M "$tmp/v.payload"
[ "$(size)" = 6291456 ] || fail "size $(size)"
stop "$server"
