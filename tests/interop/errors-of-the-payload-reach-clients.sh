#!/bin/bash
# What a client is told is what the payload's storage said: no space left is not an I/O error.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 1M --sector-size 512
for error in EIO ENOSPC EPERM ENOMEM; do
  note "$error"
  serve_plain --filter=error file "$tmp/v.payload" error-pwrite=$error error-pwrite-rate=100%
  serve "header=$tmp/v.header" "payload=$uri" "secret=$tmp/v.secret"
  nbd_shell -u "$uri" -c "error = '$error'" -c - <<'END'
import errno, nbd
for length in 512, 100, 300000:
    try:
        h.pwrite(b"x" * length, 0)
    except nbd.Error as said:
        assert said.errnum == getattr(errno, error), said
    else:
        raise SystemExit("written")
assert len(h.pread(4096, 0)) == 4096
END
  stop "$server"
done
