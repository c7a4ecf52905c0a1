#!/bin/bash
# A request whose answer is lost with its connection, done by the server or not, is sent again, exactly
# to its place; its client sees only a pause.
. "$(dirname -- "$0")/lib.sh"
. "$here/faults.sh"
. "$here/hostile.sh"

make_luks2 v 1M --sector-size 4096
plain v 4096
hostile payload "$tmp/v.payload"
serve "header=$tmp/v.header" "payload=$uri" "secret=$tmp/v.secret" discard=true reconnect-timeout=30
nbd_shell --base-allocation -u "$uri" -c "name = '$tmp/payload'; model = '$tmp/model'; patience = $(rounds 1 5)" -c - <<'PYTHON'
import os, random, re, time, nbd
content = bytearray(open(model, "rb").read())

def cue(*words):
    with open(name + ".new", "w") as file:
        file.write(" ".join(words))
    os.replace(name + ".new", name + ".cues")

def read(offset, length):
    assert h.pread(length, offset) == content[offset : offset + length], f"wrong bytes in {offset}+{length}"

def write(offset, length, flags=0):
    data = os.urandom(length)
    h.pwrite(data, offset, flags)
    content[offset : offset + length] = data

def zero(offset, length):
    h.zero(length, offset)
    content[offset : offset + length] = bytes(length)

REQUESTS = {
    "read": [lambda: read(offset(), 4096), lambda: read(offset(), 100000)],
    "write": [lambda: write(offset() // 4096 * 4096, 8192), lambda: write(offset(), 700),
              lambda: write(offset(), 100000), lambda: zero(offset(), 9000),
              lambda: write(offset(), 20000, nbd.CMD_FLAG_FUA)],
    "flush": [lambda: h.flush()],
    "trim": [lambda: h.trim(8192, 0)],
    "cache": [lambda: h.cache(8192, offset())],
    "status": [lambda: h.block_status(65536, offset(), lambda *_: None)],
}
libnbd = tuple(int(part) for part in h.get_version().split(".")[:2])
size = len(content)
offset = lambda: random.randint(8192, size - 100000)  # not where trims are
for command, requests in REQUESTS.items():
    ways = ["close", "drop", "garbage"] + (["short", "chunk-beyond"] if command == "read" else [])
    # Newer ones may pass over an answer to another request, and wait for ours until it is too late.
    if libnbd < (1, 16):
        ways.append("cookie")
    changes = command in ("write", "trim")
    # Changes take seconds, so that not every request is made in every way.
    if changes:
        random.shuffle(ways)
        cases = [(ways[number % len(ways)], number) for number in range(max(len(ways), len(requests)))]
    else:
        cases = [(how, number) for how in ways for number in range(len(requests))]
    for case, (how, number) in enumerate(cases):
        times = 3 if case == 0 else 1
        cue(f"reply={how}", f"on={command}", f"times={times}")
        begin = time.monotonic()
        requests[number % len(requests)]()
        took = time.monotonic() - begin
        print(f"{command} {number % len(requests)}, {how} {times} times: {took:.1f} s")
        # They wait until what the old connection had can no longer come.
        assert took < times * (4 if changes else 2) * patience, took
cue()
h.flush()
read(8192, size - 8192)
content[:8192] = h.pread(8192, 0)
open(model, "wb").write(content)
PYTHON
stop "$server"
as_model v 4096
