#!/bin/bash
# A payload's server that comes back with less than it had is not used, and the log says why; when the
# right one is back all is as before.
. "$(dirname -- "$0")/lib.sh"
. "$here/reconnect.sh"

make_luks2 v 1M --sector-size 512
head -c 524288 "$tmp/v.payload" >"$tmp/half"
file=$tmp/v.payload
scripted=(eval "get_size=stat -c %s $file" 'can_write=exit 0'
  "pread=dd if=$file iflag=count_bytes,skip_bytes count=\$3 skip=\$4 status=none"
  "pwrite=dd of=$file conv=notrunc oflag=seek_bytes seek=\$4 status=none"
  'can_fua=echo native')

# lesser REGEX ARG…: ARG: what nbdkit serves when it comes back.
lesser() {
  note "${@:2}"
  payload_server one-connection
  comes
  serve "header=$tmp/v.header" "payload=$payload_uri" "secret=$tmp/v.secret" discard=true reconnect-timeout=2
  nbd_shell -u "$uri" -c 'h.pwrite(b"x" * 4096, 4096)'
  before=$(sha256sum "$tmp/v.payload" "$tmp/half")
  vanishes
  comes "${@:2}"
  nbd_shell -u "$uri" -c "payload = '$file'" -c - <<'PYTHON'
import errno, time, nbd
for request in lambda: h.pread(4096, 4096), lambda: h.pwrite(b"y" * 4096, 8192), lambda: h.flush():
    begin = time.monotonic()
    try:
        request()
    except nbd.Error as error:
        assert error.errnum == errno.EIO, error
    else:
        raise SystemExit("it was used")
    assert time.monotonic() - begin < 5, "too late"
PYTHON
  [ "$before" = "$(sha256sum "$tmp/v.payload" "$tmp/half")" ] || fail "it was written"
  matches "$1" "$log"
  note "$(tail -n 1 "$log")"

  vanishes
  comes
  works() { nbd_shell -u "$uri" -c 'assert h.pread(4096, 4096) == b"x" * 4096' -c 'h.pwrite(b"y" * 4096, 8192)' -c 'h.flush()'; }
  eventually works
  stop "$server"
  vanishes
}
lesser 'smaller|524288' file "$tmp/half"
lesser 'read-only|cannot be written' -r file "$file"
lesser 'FUA' --filter=fua file "$file" # its default: fuamode=none
lesser 'flush' "${scripted[@]}" 'can_trim=exit 0' 'trim=exit 0'
lesser 'discard|trim' "${scripted[@]}" 'can_flush=exit 0' "flush=sync $file"
lesser 'block.*4096|4096.*block' --filter=blocksize-policy file "$file" blocksize-minimum=4096 blocksize-error-policy=error
