#!/bin/bash
# Flush and FUA reach the server that holds the payload, and an ordinary write asks for neither.
# The payload server's log tells what it was asked for.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 1M --sector-size 4096

check() { # FILTER…: of the payload server, under the one that logs
  : >"$tmp/requests"
  serve_plain --filter=log "$@" file "$tmp/v.payload" logfile="$tmp/requests"
  serve "header=$tmp/v.header" "payload=$uri" "secret=$tmp/v.secret"
  # The log is read while the connection lasts: what its end causes does not count.
  nbd_shell -u "$uri" -c "log = '$tmp/requests'" -c - <<'END'
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

note "a server that knows FUA"
check
note "a server that does not"
check --filter=fua # its default: fuamode=none
