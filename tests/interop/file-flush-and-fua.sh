#!/bin/bash
# Flush and FUA reach the file system under a file payload, and an ordinary write does not. The
# kernel is asked what it was told.
leaks=0 # leaks cannot be looked for under ptrace
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 1M --sector-size 4096
servers=$((servers + 1))
uri="nbd+unix:///?socket=$tmp/traced.sock"
parameters v
start strace -f -qq -o "$tmp/trace" -e trace=fsync,fdatasync,sync_file_range,pwrite64,pwritev,pwritev2,io_uring_enter \
  "${nbdkit_under_test[@]}" -U "$tmp/traced.sock" "$plugin" "${parameters[@]}" discard=true
# strace does not pass signals on: nbdkit itself has to get them. While its main thread is stopped by
# strace, the kernel gives them to another one; if that one is just ending, ThreadSanitizer loses them.
end_traced() {
  local _ process
  process=$(cat "$tmp/server$servers.pid")
  for _ in $(seq 100); do
    kill -TERM "$process" 2>/dev/null || return 0
    sleep 0.2
  done
}
defer end_traced

nbd_shell -u "$uri" -c "trace = '$tmp/trace'" -c - <<'END'
import nbd, re, time
seen = 0
def told():
    """The calls since the last time. The client's answer may arrive before strace's last line."""
    global seen
    time.sleep(0.3)
    text = open(trace).read()
    new, seen = text[seen:], len(text)
    return new
SYNC = re.compile(r"fsync|fdatasync|RWF_D?SYNC")
WRITE = re.compile(r"pwrite|pwritev")
told()
h.pwrite(b"x" * 8192, 0)
calls = told()
assert WRITE.search(calls), calls
assert not SYNC.search(calls), calls
h.flush()
calls = told()
assert SYNC.search(calls), calls
for offset, length in ((0, 4096), (8192, 100), (20000, 9000)):
    h.pwrite(b"y" * length, offset, nbd.CMD_FLAG_FUA)
    calls = told()
    assert SYNC.search(calls), calls
for request in h.zero, h.trim:
    request(4096, 40960)
    calls = told()
    assert not SYNC.search(calls), calls
    request(4096, 40960, nbd.CMD_FLAG_FUA)
    calls = told()
    assert SYNC.search(calls), calls
END
end_traced
wait "$server" || fail "nbdkit ended with status $?"
unset "running[$server]"
