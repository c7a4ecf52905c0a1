#!/bin/bash
# Flush and FUA reach the server that holds the payload, and an ordinary write asks for neither.
# The payload server's log tells what it was asked for.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 1M --sector-size 4096

check() { # FILTER…: of the payload server, under the one that logs
  local requests=$tmp/requests$servers
  serve_plain --filter=log "$@" file "$tmp/v.payload" logfile="$requests"
  serve "header=$tmp/v.header" "payload=$uri" "secret=$tmp/v.secret"
  # The log is read while the connection lasts: what its end causes does not count.
  nbd_shell -u "$uri" -c "log = '$requests'" -c - <<'END'
import nbd, re
seen = 0
def asked():
    """The requests since the last time, as (name, fua) in order."""
    global seen
    text = open(log).read()
    new, seen = text[seen:], len(text)
    found = re.findall(r" (Write|Zero|Flush) id=\d+(?: .*?fua=(\d))?", "\n".join(
        line for line in new.splitlines() if "return=" not in line))
    return [(name, fua == "1") for name, fua in found]

def durable(requests):
    """Each write has FUA, or a flush comes after the last one."""
    writes = [i for i, (name, fua) in enumerate(requests) if name != "Flush"]
    assert writes, requests
    return all(requests[i][1] for i in writes) or ("Flush", False) in requests[writes[-1]:]

asked()
h.pwrite(b"x" * 8192, 0)
h.pwrite(b"x" * 100, 10000)
requests = asked()
assert len(requests) >= 2 and all(request == ("Write", False) for request in requests), requests
h.flush()
requests = asked()
assert requests and all(name == "Flush" for name, fua in requests), requests
for offset, length in ((0, 4096), (8192, 100), (20000, 9000)):
    h.pwrite(b"y" * length, offset, nbd.CMD_FLAG_FUA)
    requests = asked()
    assert durable(requests), requests
h.zero(4096, 40960, nbd.CMD_FLAG_FUA)
requests = asked()
assert durable(requests), requests
END
  stop "$server"
}

note "a server that can neither: clients are promised nothing"
cat >"$tmp/bare.sh" <<END
case \$1 in
  thread_model) echo parallel ;;
  get_size) stat -c %s "$tmp/v.payload" ;;
  pread) dd if="$tmp/v.payload" iflag=skip_bytes,count_bytes skip=\$4 count=\$3 status=none ;;
  can_write) exit 0 ;;
  pwrite) dd of="$tmp/v.payload" oflag=seek_bytes seek=\$4 conv=notrunc status=none ;;
  can_fua) echo none ;;
  can_flush | can_multi_conn) exit 3 ;;
  *) exit 2 ;;
esac
END
chmod +x "$tmp/bare.sh"
serve_plain sh "$tmp/bare.sh"
serve "header=$tmp/v.header" "payload=$uri" "secret=$tmp/v.secret" discard=true
matches 'warning: .*can neither flush nor write through' "$log"
matches 'warning: .*does not take discards' "$log"
nbdinfo --json "$uri" >"$tmp/info"
for promise in can_flush can_fua can_multi_conn can_trim; do
  [ "$(jq ".exports[0].$promise" "$tmp/info")" = false ] || fail "promises $promise: $(cat "$tmp/info")"
done
nbd_shell -u "$uri" -c 'h.pwrite(b"z" * 100, 5000); assert h.pread(100, 5000) == b"z" * 100'
stop "$server"

note "a server that knows FUA"
check
note "a server that does not"
check --filter=fua # its default: fuamode=none
