#!/bin/bash
# A write of many sectors that the storage breaks off in the middle fails, and changes no sector but
# those that were asked for: each is as before or as it should be, except the one that was torn.
. "$(dirname -- "$0")/lib.sh"
. "$here/faults.sh"

# torn ERRNO TEAR OFFSET LENGTH [FAULT]: a write that fails at the payload's byte TEAR
torn() {
  note "$3+$4, torn at $2${5:+, $5}"
  [ -z "${5:-}" ] || printf '%b\n' "$5" >"$fault"
  nbd_shell -u "$uri" -c "offset, length, code = $3, $4, '$1'" -c "model = '$tmp/model'" -c - <<'END'
import errno, nbd, os
new = os.urandom(length)
try:
    h.pwrite(new, offset)
except nbd.Error as error:
    assert error.errnum == getattr(errno, code), error
else:
    raise SystemExit("written")
open(model + ".new", "wb").write(new)
assert len(h.pread(h.get_size(), 0)) == h.get_size()
END
  rm -f "$fault"
  decrypted "$name" "$sector" >"$tmp/decrypted"
  /usr/bin/python3 - "$tmp/model" "$tmp/decrypted" "$sector" "$2" "$3" <<'END'
import sys
old, found = (open(name, "rb").read() for name in sys.argv[1:3])
sector, tear, offset = map(int, sys.argv[3:])
new = open(sys.argv[1] + ".new", "rb").read()
should = old[:offset] + new + old[offset + len(new):]
assert len(found) == len(old) == len(should)
kept = written = 0
for at in range(0, len(old), sector):
    part = slice(at, at + sector)
    if at + sector <= offset or at >= offset + len(new):
        assert found[part] == old[part], f"the sector at {at} is outside and changed"
    elif at <= tear < at + sector:
        continue
    elif found[part] == old[part]:
        kept += 1
    else:
        assert found[part] == should[part], f"the sector at {at} is neither old nor new"
        written += 1
assert kept and written, f"{kept} kept, {written} written: nothing was torn"
open(sys.argv[1], "wb").write(found)
END
}

for sector in 512 4096; do
  name=s$sector
  make_luks2 "$name" 4M --sector-size "$sector"
  plain "$name" "$sector"
  serve_faulty "$name"
  torn EIO 18000 8192 65536 'write short=9808 times=1\nwrite EIO times=1'
  torn EIO 18000 8292 50000 "write short=$((18000 - 8192)) times=1\nwrite EIO times=1"
  torn ENOSPC 100000 70007 90001 "write short=$((100000 - 70007 / sector * sector)) times=1\nwrite ENOSPC times=1"
  # Larger than what is handled at once.
  torn EIO 1500000 1000000 2000000 'write EIO times=1 from=1500000'
  stop "$server"

  # A server that takes no more than 64 KiB at once, and refuses to change some bytes.
  serve_plain --filter=blocksize-policy --filter=protect file "$tmp/$name.payload" protect=1500000-1500100 \
    blocksize-minimum=1 blocksize-preferred=4096 blocksize-maximum=64K blocksize-error-policy=error
  serve "header=$tmp/$name.header" "payload=$uri" "secret=$tmp/$name.secret"
  torn EPERM 1500000 1400000 300000
  torn EPERM 1500000 1000000 2000000
  stop "$server"
done
