"""interrupted_writes.py [options]: starts an export, keeps many requests of several connections in
flight, ends the export at a random moment, and compares what another implementation decrypts from
the payload with a model of what may be there; then starts it again, round after round.

A request is acknowledged when its answer was received. What an acknowledged write wrote must be
there, with --power-cut only if it had FUA or a flush that began later was acknowledged. Of any
other write each sector may have arrived or not, whole. Nothing else may have changed.
"""

import argparse
import os
import random
import select
import shlex
import signal
import subprocess
import sys
import time

import nbd

LIMIT = 60  # seconds, for anything that ends by itself
COMPARED = 1 << 16  # bytes at once


def fail(message):
    print("FAIL:", message, file=sys.stderr)
    sys.exit(1)


class Write:
    """A request to write, zeroes included. Times are numbers of the model's events."""

    def __init__(self, offset, data, started):
        self.offset, self.data, self.started = offset, data, started
        self.finished = None
        self.parts = [(offset, offset + len(data))]  # that no later durable write lies over

    @property
    def end(self):
        return self.offset + len(self.data)

    def bytes_of(self, begin, end):
        return self.data[begin - self.offset : end - self.offset]

    def cut(self, begin, end):
        """Forgets the bytes of [begin, end)."""
        left = [(a, min(b, begin)) for a, b in self.parts if a < begin]
        right = [(max(a, end), b) for a, b in self.parts if b > end]
        self.parts = left + right


class Model:
    """The bytes that must be there, and the writes that may be there besides."""

    def __init__(self, plain, sector):
        self.durable, self.sector = bytearray(plain), sector
        self.pending = []  # in the order in which they started
        self.now = 0

    def time(self):
        self.now += 1
        return self.now

    def start(self, offset, data):
        write = Write(offset, data, self.time())
        self.pending.append(write)
        return write

    def settle(self, write):
        """It must be there from now on. No two writes of one byte ever are in flight together, so
        that what started earlier is below it."""
        for begin, end in write.parts:
            self.durable[begin:end] = write.bytes_of(begin, end)
        self.pending.remove(write)
        for other in self.pending:
            if other.started > write.started:
                break
            if other.offset < write.end and write.offset < other.end:
                other.cut(write.offset, write.end)

    def flushed(self, started):
        for write in [w for w in self.pending if w.finished is not None and w.finished < started]:
            self.settle(write)

    def versions(self, begin):
        """Whatever the sector at that byte may be."""
        end = begin + self.sector
        touching = [
            write
            for write in self.pending
            if any(a < end and b > begin for a, b in write.parts)
        ]
        versions = [(bytes(self.durable[begin:end]), 0)]
        for i, write in enumerate(touching):
            # Whoever changes a part of a sector has read what was acknowledged before.
            below = sum(
                1 << j
                for j, other in enumerate(touching[:i])
                if other.finished is not None and other.finished < write.started
            )
            added = []
            for content, included in versions:
                if included & below != below:
                    continue
                changed = bytearray(content)
                for a, b in write.parts:
                    a, b = max(a, begin), min(b, end)
                    if a < b:
                        changed[a - begin : b - begin] = write.bytes_of(a, b)
                added.append((bytes(changed), included | 1 << i))
            versions += added
        return [content for content, _ in versions]

    def judge(self, found):
        """What is wrong with the bytes found after the end (None: nothing), and how many writes are
        not there as a whole. The bytes found are the durable ones of the next round."""
        if len(found) != len(self.durable):
            return f"{len(found)} bytes instead of {len(self.durable)}", 0
        for chunk in range(0, len(found), COMPARED):
            if found[chunk : chunk + COMPARED] == self.durable[chunk : chunk + COMPARED]:
                continue
            for at in range(chunk, min(chunk + COMPARED, len(found)), self.sector):
                sector = found[at : at + self.sector]
                if sector == self.durable[at : at + self.sector]:
                    continue
                versions = self.versions(at)
                if sector not in versions:
                    byte = next(
                        (i for i in range(len(sector)) if all(v[i] != sector[i] for v in versions)),
                        0,
                    )
                    return f"the sector at {at} is none of its {len(versions)} versions (byte {byte})", 0
        lost = sum(
            1
            for write in self.pending
            if any(found[a:b] != write.bytes_of(a, b) for a, b in write.parts)
        )
        self.durable, self.pending = bytearray(found), []
        return None, lost


class Writer:
    """Requests in flight on several connections, all from this thread."""

    def __init__(self, uri, model, choose, arguments):
        self.model, self.choose, self.arguments = model, choose, arguments
        self.in_flight = []  # writes
        self.acknowledged = 0
        self.errors = 0
        self.handles = []
        for _ in range(arguments.connections):
            handle = nbd.NBD()
            handle.connect_uri(uri)
            self.handles.append(handle)
        self.busy = {handle: 0 for handle in self.handles}

    def place(self):
        """Offset and length of a write that shares no byte with one in flight; or None."""
        size = len(self.model.durable)
        for _ in range(10):
            sort = self.choose.random()
            if sort < 0.02:
                length = self.choose.randint(1 << 20, size // 2)
            elif sort < 0.1:
                length = self.choose.randint(1, 300000)
            else:
                length = self.choose.choice([1, 100, 511, 512, 513, 4096, 5000])
            # Half of them meet in a few sectors.
            reach = 16384 if length < 8192 and self.choose.random() < 0.5 else size
            offset = self.choose.randint(0, reach - length)
            if self.choose.random() < 0.3:
                offset -= offset % 4096
            end = offset + length
            if all(write.end <= offset or end <= write.offset for write in self.in_flight):
                return offset, length
        return None

    def request(self, handle):
        sort = self.choose.random()
        if sort < 0.06:
            started = self.model.time()

            def flushed(error):
                self.busy[handle] -= 1
                if error.value == 0:
                    self.model.flushed(started)
                else:
                    self.errors += 1
                return 1

            handle.aio_flush(completion=flushed)
        else:
            place = self.place()
            if place is None:
                return False
            offset, length = place
            # Large ones, in many pieces, are rare enough.
            fua = self.choose.random() < (0.5 if length > 1 << 20 else 0.15)
            zero = sort < 0.15
            data = bytes(length) if zero else self.choose.randbytes(length)
            write = self.model.start(offset, data)
            self.in_flight.append(write)

            def written(error):
                self.busy[handle] -= 1
                self.in_flight.remove(write)
                if error.value != 0:
                    self.errors += 1
                    return 1
                self.acknowledged += 1
                write.finished = self.model.time()
                if fua or not self.arguments.power_cut:
                    self.model.settle(write)
                return 1

            flags = nbd.CMD_FLAG_FUA if fua else 0
            if zero:
                handle.aio_zero(length, offset, completion=written, flags=flags)
            else:
                buffer = nbd.Buffer.from_bytearray(bytearray(data))
                handle.aio_pwrite(buffer, offset, completion=written, flags=flags)
        self.busy[handle] += 1
        return True

    def poll(self, milliseconds):
        """Lets answers come in; False when no connection is left."""
        poller = select.poll()
        by_descriptor = {}
        for handle in self.handles:
            if handle.aio_is_dead() or handle.aio_is_closed():
                continue
            direction = handle.aio_get_direction()
            events = select.POLLIN if direction & nbd.AIO_DIRECTION_READ else 0
            events |= select.POLLOUT if direction & nbd.AIO_DIRECTION_WRITE else 0
            by_descriptor[handle.aio_get_fd()] = handle
            poller.register(handle.aio_get_fd(), events)
        if not by_descriptor:
            return False
        for descriptor, events in poller.poll(milliseconds):
            handle = by_descriptor[descriptor]
            try:
                if events & select.POLLOUT and not events & select.POLLIN:
                    handle.aio_notify_write()
                else:
                    handle.aio_notify_read()
            except nbd.Error:
                pass  # the connection is lost; its requests were told
        return True

    def fill(self):
        for handle in self.handles:
            try:
                while self.busy[handle] < self.arguments.depth:
                    if not self.request(handle):
                        break
            except nbd.Error:
                pass  # lost, as above

    def work(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.fill()
            self.poll(1)
        self.fill()
        if self.errors:
            fail(f"{self.errors} requests failed before the end")

    def drain(self):
        """Answers that were on their way. The end closes every connection."""
        end = time.monotonic() + LIMIT
        while self.poll(100):
            if time.monotonic() > end:
                fail("a connection outlives its server")


class Server:
    def __init__(self, command, socket):
        self.command, self.socket, self.process = shlex.split(command), socket, None

    def start(self):
        pid_file = self.socket + ".pid"
        for file in (self.socket, pid_file):
            if os.path.exists(file):
                os.unlink(file)
        options = ["-U", self.socket, "-P", pid_file, "-f", "--exit-with-parent"]
        with open(self.socket + ".log", "ab") as log:
            self.process = subprocess.Popen(
                self.command + options, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        end = time.monotonic() + LIMIT
        while not (os.path.exists(pid_file) and os.path.getsize(pid_file)):
            if self.process.poll() is not None or time.monotonic() > end:
                fail(f"does not start: {self.command}; see {self.socket}.log")
            time.sleep(0.002)

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, *expected):
        if self.process.wait(LIMIT) not in expected:
            fail(f"{self.command} ended with {self.process.returncode}")


def decrypted(arguments):
    with open(arguments.payload, "rb") as payload:
        return subprocess.run(
            shlex.split(arguments.decrypt), stdin=payload, stdout=subprocess.PIPE, check=True
        ).stdout


def end_all(export, storage, writer, choose, arguments):
    """Ends the servers, and waits until nothing is under way any more."""
    number = signal.SIGKILL if arguments.power_cut else signal.Signals["SIG" + arguments.signal]
    if arguments.power_cut and choose.random() < 0.5:
        storage.signal(signal.SIGKILL)
        writer.poll(1)
    export.signal(number)
    if arguments.power_cut:
        storage.signal(signal.SIGKILL)
    writer.drain()
    export.wait(0 if number == signal.SIGTERM else -number)
    if arguments.power_cut:
        storage.wait(-signal.SIGKILL)
    elif storage is not None:
        storage.signal(signal.SIGTERM)
        # nbdkit before 1.34 aborts when its client is gone and several answers are to be sent.
        storage.wait(0, *([-signal.SIGABRT] if number == signal.SIGKILL else []))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--export", required=True, help="the command that serves, without socket")
    parser.add_argument("--storage", help="the command of the payload's server, on its own socket")
    parser.add_argument("--sockets", required=True, help="folder: storage.sock, export.sock")
    parser.add_argument("--payload", required=True, help="its file")
    parser.add_argument("--decrypt", required=True, help="a command, from payload to plain bytes")
    parser.add_argument("--sector", type=int, required=True)
    parser.add_argument("--power-cut", action="store_true", help="the storage ends, too")
    parser.add_argument("--signal", choices=["KILL", "TERM"], default="KILL")
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=0.1, help="at most, in a round")
    parser.add_argument("--connections", type=int, default=3)
    parser.add_argument("--depth", type=int, default=6, help="requests in flight of each")
    parser.add_argument("--seed", default=os.urandom(4).hex())
    arguments = parser.parse_args()

    choose = random.Random(arguments.seed)
    model = Model(decrypted(arguments), arguments.sector)
    export = Server(arguments.export, f"{arguments.sockets}/export.sock")
    storage = None
    if arguments.storage:
        storage = Server(arguments.storage, f"{arguments.sockets}/storage.sock")
    uri = f"nbd+unix:///?socket={export.socket}"
    acknowledged = in_flight = lost = 0
    for turn in range(arguments.rounds):
        if storage is not None:
            storage.start()
        export.start()
        writer = Writer(uri, model, choose, arguments)
        if writer.handles[0].pread(len(model.durable), 0) != model.durable:
            fail(f"round {turn} of seed {arguments.seed}: read otherwise than decrypted")
        writer.work(choose.uniform(0.02, arguments.seconds))
        in_flight += len(writer.in_flight)
        end_all(export, storage, writer, choose, arguments)
        acknowledged += writer.acknowledged
        wrong, missing = model.judge(decrypted(arguments))
        if wrong:
            fail(f"round {turn} of seed {arguments.seed}: {wrong}")
        lost += missing
    print(
        f"{arguments.rounds} rounds: {acknowledged} writes acknowledged, {in_flight} in flight at the"
        f" end, {lost} of those that may be lost were, wholly or in part"
    )
    # Else it said nothing about interruptions.
    if acknowledged < 5 * arguments.rounds or in_flight < arguments.rounds:
        fail("too few requests")
    if arguments.power_cut and lost < arguments.rounds:
        fail("nothing was lost that could be: no power cut")


main()
