"""hostile_payload_client.py URI NAME LIMIT PATIENCE: a client of an export at URI, whose payload is on
the hostile_nbd.py with the cues NAME.cues and the list NAME.asked, and whose reconnect-timeout is
LIMIT seconds. PATIENCE is how many times slower than usual this build is.
"""

import errno
import os
import re
import sys
import time

import nbd

uri, name, limit, patience = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
# An answer may be waited for, and then for the server.
in_time = 2 * limit + 1.5 * patience
at_once = 0.5 * patience
# Until the first requests succeed with a server that is honest again.
recovery = 10 * patience
# The same when its handshake was awaited in vain: that has its own limit.
handshake_recovery = 30 + recovery

client = nbd.NBD()
client.add_meta_context(nbd.CONTEXT_BASE_ALLOCATION)
client.connect_uri(uri)
size = client.get_size()


def cue(*words):
    with open(name + ".new", "w", encoding="ascii") as file:
        file.write("\n".join(words))
    os.replace(name + ".new", name + ".cues")


def connections():
    """How many there were."""
    with open(name + ".asked", encoding="ascii") as asked:
        return sum(re.fullmatch(r"connection \d+\n", line) is not None for line in asked)


def fail(message):
    sys.exit(f"FAIL: {what}: {message}")


# --- Requests

content = os.urandom(4096)


def read():
    if client.pread(4096, 8192) != content:
        fail("wrong bytes")


def status():
    """Any answer is as good as another, if it is about what was asked."""
    lengths = []

    def add(_context, offset, entries, _error):
        assert offset == 0
        lengths.extend(entries[::2])

    client.block_status(65536, 0, add)
    # NBD allows the last one to reach beyond what was asked, but not beyond the export.
    if not lengths or min(lengths) == 0 or sum(lengths[:-1]) >= 65536 or sum(lengths) > size:
        fail(f"extents of {lengths}")


REQUESTS = {
    "read": read,
    "write": lambda: client.pwrite(content, 8192),
    "flush": client.flush,
    "trim": lambda: client.trim(4096, 65536),
    "cache": lambda: client.cache(4096, 8192),
    "status": status,
}


def error_of(command):
    """The errno of the request, 0 if it succeeds, and how long it took."""
    begin = time.monotonic()
    try:
        REQUESTS[command]()
        code = 0
    except nbd.Error as error:
        code = error.errnum
    return code, time.monotonic() - begin


def must_fail(command, within, codes=(errno.EIO,)):
    code, took = error_of(command)
    if code not in codes:
        fail(f"{errno.errorcode.get(code, code)} instead of {[errno.errorcode[c] for c in codes]}")
    if took > within:
        fail(f"{took:.1f} seconds")
    return took


def recovers(within):
    cue()
    begin = time.monotonic()
    for command in REQUESTS:
        while error_of(command)[0] != 0:
            if time.monotonic() - begin > within:
                fail(f"no {command} succeeds after {within} seconds")
            time.sleep(0.05)
    return time.monotonic() - begin


what = "before"
REQUESTS["write"]()

# --- Replies that end the connection, or never come

ANY = ["close", "drop", "garbage", "cookie", "silent", "trickle"]
READ = ["text", "short", "stalled", "chunks-for-ever", "hole-huge", "hole-short"]
READ += [f"chunk-{how}" for how in ("beyond", "unknown", "error-lies", "huge", "for-a-status")]
for command, hows in {
    "read": ANY + READ, "write": ANY, "flush": ["close", "silent"], "trim": ["close", "silent"],
    "cache": ["close", "silent"], "status": ["close", "silent"],
}.items():  # fmt: skip
    for how in hows:
        what = f"reply={how} on={command}"
        before = connections()
        cue(f"reply={how}", f"on={command}")
        # What may rightly take long has four times as long.
        took = must_fail(command, in_time + (3 if command in ("flush", "trim") else 0))
        tried = connections() - before
        # Each of four connections may be tried once at once; a storm would be thousands.
        if tried > 40 * in_time:
            fail(f"{tried} connections in {took:.1f} seconds")
        print(f"{what}: error after {took:.1f} s, {tried} connections, back after {recovers(recovery):.1f} s")

# --- Replies that are wrong in themselves; some end the connection (with libnbd 1.22 more than with 1.14)

WRONG = [f"chunk-{how}" for how in ("before", "overlap", "missing", "empty", "none", "unknown-error")]
WRONG += ["chunk-error-after-data", "chunk-error-0", "error:0"]  # the last is a simple reply, without any bytes
for how in WRONG:
    what = f"reply={how}"
    cue(what, "on=read")
    must_fail("read", in_time)
recovers(recovery)

# NBD has few errors; anything else is an error as well.
TOLD = {1: errno.EPERM, 5: errno.EIO, 12: errno.ENOMEM, 28: errno.ENOSPC}
for error in 1, 5, 12, 22, 28, 75, 95, 77, 4294967295:
    before = connections()
    for command in REQUESTS:
        what = f"reply=error:{error} on={command}"
        cue(f"reply=error:{error}", f"on={command}")
        must_fail(command, at_once, (TOLD.get(error, errno.EIO),))
    what = f"reply=error:{error}"
    recovers(at_once)
    if connections() != before:
        fail("a connection was made anew for an error")

# --- Answers about holes

for how in (
    "extent-of-0", "extent-huge", "extents-huge", "extents-many", "extents-odd", "extents-none",
    "extents-of-another-context", "extents-twice", "data-for-extents", "garbage",
):  # fmt: skip
    what = f"reply={how} on=status"
    cue(f"reply={how}", "on=status")
    code, took = error_of("status")
    if took > in_time:
        fail(f"{took:.1f} seconds")
    print(f"{what}: {errno.errorcode.get(code, 'extents')} after {took:.1f} s")
    recovers(recovery)

# --- The next connection does not come about, or is not what it was

HANDSHAKES = [f"{stage}={how}" for stage in ("greeting", "options") for how in ("close", "garbage", "text")]
SILENCES = ["greeting=silent", "options=silent", "options=trickle"]
LESSER = ["size=0", "size=524288", f"size={1 << 63}", f"size={(1 << 64) - 1}", "readonly=yes", "without=flush"]
LESSER += ["without=fua", "without=trim", "minimum=4096"]
for words in HANDSHAKES + LESSER + SILENCES:
    what = f"reply=close {words}"
    cue("reply=close", words)
    took = must_fail("read", in_time)
    cue(words)
    again = must_fail("read", at_once)
    before = connections()
    time.sleep(0.3)
    if connections() - before > 40:
        fail(f"{connections() - before} connections in 0.3 seconds")
    back = recovers(handshake_recovery if words in SILENCES else recovery)
    print(f"{what}: error after {took:.1f} s, then after {again:.1f} s, back after {back:.1f} s")

what = "after all"
for _ in range(20):
    for command in REQUESTS:
        if error_of(command)[0] != 0:
            fail(command)
client.shutdown()
