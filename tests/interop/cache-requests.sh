#!/bin/bash
# CACHE is offered where the payload has it, and reaches it there for all sectors of what is asked for.
# It changes nothing.
. "$(dirname -- "$0")/lib.sh"
. "$here/faults.sh"

make_luks2 v 1M --sector-size 4096
noise 1M >"$tmp/plain"
encrypted v 4096 <"$tmp/plain" >"$tmp/v.payload"
before=$(sha256sum <"$tmp/v.payload")

check() { # PAYLOAD [LOG]: of the payload's server, to look for the requests in
  note "$1"
  serve "header=$tmp/v.header" "payload=$1" "secret=$tmp/v.secret"
  nbdinfo --can cache "$uri" || fail "CACHE is not offered"
  nbd_shell -u "$uri" -c "plain, log = '$tmp/plain', '${2-}'" -c - <<'END'
import errno, nbd, re
SIZE, SECTOR = 1 << 20, 4096
assert h.can_cache()

seen = 0
def asked():
    """The ranges that the payload's server was asked to cache since the last time, in order."""
    global seen
    text = open(log).read()
    new, seen = text[seen:], len(text)
    found = re.findall(r" Cache id=\d+ offset=(\w+) count=(\w+)", new)
    return sorted((int(offset, 16), int(offset, 16) + int(count, 16)) for offset, count in found)

for length, offset in ((4096, 8192), (1, 0), (1, SIZE - 1), (2, 4095), (70000, 300001), (SIZE, 0)):
    h.cache(length, offset)
    if log:
        ranges = asked()
        at, end = offset // SECTOR * SECTOR, -(-(offset + length) // SECTOR) * SECTOR
        for first, last in ranges:  # several may make up one
            assert first <= at, (offset, length, ranges)
            at = max(at, last)
        assert at >= end, (offset, length, ranges)

h.set_strict_mode(0)  # libnbd would not send it
for length, offset in ((1, SIZE), (2, SIZE - 1), (4096, 1 << 40)):
    try:
        h.cache(length, offset)
    except nbd.Error as error:
        assert error.errnum == errno.EINVAL, error
    else:
        raise SystemExit("cached beyond the end")
assert h.pread(SIZE, 0) == open(plain, "rb").read()
END
  stop "$server"
  [ "$before" = "$(sha256sum <"$tmp/v.payload")" ] || fail "the payload changed"
}

check "$tmp/v.payload"
serve_plain --filter=log file "$tmp/v.payload" logfile="$tmp/requests"
check "$uri" "$tmp/requests"

note "the kernel is told of a file's; whatever it makes of that is no error"
echo 'willneed EIO' >"$fault"
serve_faulty v
nbd_shell -u "$uri" -c 'h.cache(5000, 100)'
stop "$server"
[ "$(cat "$fault.log")" = 'willneed EIO 0 8192' ] || fail "the kernel was told: $(cat "$fault.log")"

note "where it is read-only"
serve -r "header=$tmp/v.header" "payload=$tmp/v.payload" "secret=$tmp/v.secret"
nbd_shell -u "$uri" -c 'assert h.can_cache(); h.cache(5000, 100)'

note "a server that has it not"
serve_plain --filter=nocache file "$tmp/v.payload" cachemode=none
serve "header=$tmp/v.header" "payload=$uri" "secret=$tmp/v.secret"
if nbdinfo --can cache "$uri"; then fail "CACHE is offered"; fi
