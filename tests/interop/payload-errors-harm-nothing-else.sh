#!/bin/bash
# When the payload's storage fails a request, the client gets its errno, the log has one line with what
# failed and where, the next request works, and no other byte changes.
. "$(dirname -- "$0")/lib.sh"
. "$here/faults.sh"

make_luks2 v 1M --sector-size 512
plain v 512

# check LOG ARG…: of failing_request.py, on the export at $uri
check() {
  note "${*:2}"
  /usr/bin/python3 "$here/failing_request.py" --fault "$fault" "${@:2}" "$uri" "$tmp/model"
  stop "$server"
  matches "error: .*$1" "$log"
  [ "$(grep -c 'error: ' "$log")" = 1 ] || fail "not one line: $(cat "$log")"
  as_model v 512
}

while read -r says errno request message; do
  serve_faulty v
  check "cannot ${message/FILE/"$tmp/v.payload"}" --says "${says/_/ }" --errno "$errno" "$request"
  [ -s "$fault.log" ] || fail "nothing was made to fail"
  rm "$fault.log"
done <<'END'
read_EIO     EIO    read  read 4096 bytes at 8192 of FILE: input/output error
read_EIO     EIO    part  read 512 bytes at 8192 of FILE: input/output error
write_EIO    EIO    part  write 1024 bytes at 8192 of FILE: input/output error
write_EIO    EIO    write write 4096 bytes at 8192 of FILE: input/output error
write_EIO    EIO    zero  write 4096 bytes at 8192 of FILE: input/output error
write_ENOSPC ENOSPC write write 4096 bytes at 8192 of FILE: no space left
write_EDQUOT ENOSPC write write 4096 bytes at 8192 of FILE: disk quota exceeded
write_EOPNOTSUPP EIO write write 4096 bytes at 8192 of FILE: operation not supported
fua_EIO      EIO    fua   write 4096 bytes at 8192 of FILE: input/output error
fua_ENOSPC   ENOSPC fua   write 4096 bytes at 8192 of FILE: no space left
sync_EIO     EIO    flush flush FILE to its storage: input/output error
sync_ENOSPC  ENOSPC flush flush FILE to its storage: no space left
END

serve_on() { # ARG…: an nbdkit with the payload
  serve_plain "$@"
  serve "header=$tmp/v.header" "payload=$uri" "secret=$tmp/v.secret"
}
while read -r command errno request message; do
  serve_on --filter=error file "$tmp/v.payload" "error-$command=$errno" "error-$command-rate=100%" \
    "error-$command-file=$fault"
  check "$message of nbd\+unix:.*" --errno "$errno" "$request"
done <<'END'
pread  EIO    read  read 4096 bytes at 8192
pread  EIO    part  read 512 bytes at 8192
pwrite EIO    part  write 1024 bytes at 8192
pwrite ENOSPC fua   write 4096 bytes at 8192
END
for fua in true false; do
  for request in flush fua; do
    serve_on "$volatile_cache" "file=$tmp/v.payload" writeback=100 "fua=$fua" "fails=$fault"
    check "(flush|write 4096 bytes at 8192 of) .*nbd\+unix:" --errno EIO "$request"
  done
done
