"""hostile_nbd.py SOCKET FILE CUES: an NBD server of FILE, on a unix socket, that misbehaves on cue.

CUES is a file of words NAME=VALUE, read anew for every connection and every request, so that it is to
be replaced as a whole (mv). While it is absent or empty the server is honest.

What clients are told when they connect:
  size=N minimum=N maximum=N   instead of the file's size, 1 byte and 32 MiB
  without=NAME,...             no flush, fua, trim, cache, multi-conn, structured, status (of blocks)
  readonly=yes
  differs=yes                  every second connection hears of half the size
How far they come; HOW is silent, close, garbage, text or trickle (a byte a second):
  greeting=HOW                 instead of the first bytes
  options=HOW                  instead of the answer to the option that begins with the export
  tls=HOW                      once TLS was agreed on; without this cue TLS is refused
What they get for a request:
  reply=HOW [on=COMMAND,...] [after=N] [times=N] [late=SECONDS]
HOW is one of `REPLIES` below, or error:N. COMMAND is read, write, flush, trim, cache or status; all by
default. The first N requests of each connection that it would be for are answered honestly. It happens
N times since CUES was replaced. With late=SECONDS and a reply of close or silent, a write or
trim is carried out that much later, whatever happens meanwhile.

Says each connection and request on standard output.
"""

import itertools
import os
import select
import socket
import struct
import sys
import threading
import time

from raw_nbd import (
    BLOCK_STATUS, CACHE, CAN_MULTI_CONN, CHUNK_DATA, CHUNK_ERROR, CHUNK_HOLE, CHUNK_NONE, CHUNK_STATUS,
    DISC, EINVAL, FLUSH, HAS_FLAGS, INFO_BLOCK_SIZE, INFO_EXPORT, OPT_ABORT, OPT_EXPORT_NAME, OPT_GO,
    OPT_INFO, OPT_SET_META_CONTEXT, OPT_STRUCTURED_REPLY, READ, READ_ONLY, REP_ACK, REP_ERR_UNSUP,
    REP_INFO, REP_META_CONTEXT, SEND_CACHE, SEND_FLUSH, SEND_FUA, SEND_TRIM, TRIM, WRITE,
)  # fmt: skip

OPT_STARTTLS = 5
COMMANDS = {"read": READ, "write": WRITE, "flush": FLUSH, "trim": TRIM, "cache": CACHE, "status": BLOCK_STATUS}
NAMES = {number: name for name, number in COMMANDS.items()}
FLAGS = {"flush": SEND_FLUSH, "fua": SEND_FUA, "trim": SEND_TRIM, "cache": SEND_CACHE, "multi-conn": CAN_MULTI_CONN}
CONTEXT = 7  # the number of base:allocation here
DONE = 1  # flag of a reply's last chunk
HOLE = 1  # flag of an extent


class Gone(Exception):
    """The connection is over, for whichever reason."""


class Cues:
    """The words of the file CUES, and how often its replies were used."""

    def __init__(self, path):
        self.path, self.known, self.used, self.lock = path, None, 0, threading.Lock()

    def read(self):
        try:
            with open(self.path, encoding="ascii") as file:
                words, inode = file.read().split(), os.fstat(file.fileno()).st_ino
        except FileNotFoundError:
            words, inode = [], None
        if (inode, words) != self.known:
            self.known, self.used = (inode, words), 0
        return dict(word.split("=", 1) for word in words)

    def reply(self, command, earlier):
        """How to answer a request of that command; the connection had `earlier` of those."""
        with self.lock:
            cues = self.read()
            how = cues.get("reply")
            if how is None or not self.fits(cues, command) or earlier < int(cues.get("after", 0)):
                return None, 0
            if self.used == int(cues.get("times", -1)):
                return None, 0
            self.used += 1
            return how, float(cues.get("late", 0))

    @staticmethod
    def fits(cues, command):
        return "on" not in cues or command in [COMMANDS[name] for name in cues["on"].split(",")]


class Connection:
    def __init__(self, stream, server, number):
        self.stream, self.server, self.number = stream, server, number
        self.structured = self.contexts = False
        self.earlier = {}  # requests by command

    # --- Bytes

    def send(self, data):
        try:
            self.stream.sendall(data)
        except OSError as error:
            raise Gone from error

    def receive(self, size):
        data = bytearray()
        while len(data) < size:
            try:
                part = self.stream.recv(size - len(data))
            except OSError as error:
                raise Gone from error
            if not part:
                raise Gone
            data += part
        return bytes(data)

    def silent(self, seconds=None):
        """Until the client goes."""
        hung_up = select.poll()
        hung_up.register(self.stream, 0)  # POLLHUP comes unasked
        hung_up.poll(None if seconds is None else seconds * 1000)

    def trickle(self, data):
        for byte in data:
            self.send(bytes([byte]))
            time.sleep(1)

    def misbehave(self, how, instead_of=b""):
        if how == "trickle":
            self.trickle(instead_of)
            return
        if how == "silent":
            self.silent()
        elif how == "garbage":
            self.send(os.urandom(4096))
            self.silent(1)
        elif how == "text":
            self.send(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 20)
            self.silent(1)
        elif how != "close":
            sys.exit(f"no such cue: {how}")
        raise Gone

    # --- The handshake

    def greet(self, cues):
        greeting = b"NBDMAGICIHAVEOPT" + struct.pack(">H", 3)
        if "greeting" in cues:
            self.misbehave(cues["greeting"], greeting)
        else:
            self.send(greeting)
        self.receive(4)

    def told(self, cues):
        """Size and flags of the export."""
        size = int(cues.get("size", os.fstat(self.server.file).st_size))
        if "differs" in cues and self.number % 2 == 0:
            size //= 2
        flags = HAS_FLAGS | (READ_ONLY if "readonly" in cues else 0)
        without = cues.get("without", "").split(",")
        for name, flag in FLAGS.items():
            flags |= 0 if name in without else flag
        return size, flags

    def option_reply(self, option, kind, data=b""):
        return struct.pack(">QIII", 0x3E889045565A9, option, kind, len(data)) + data

    def negotiate(self, cues):
        """Answers options until one begins with the export."""
        without = cues.get("without", "").split(",")
        size, flags = self.told(cues)
        while True:
            _, option, length = struct.unpack(">8sII", self.receive(16))
            data = self.receive(length)
            acknowledged = self.option_reply(option, REP_ACK)
            answer = self.option_reply(option, REP_ERR_UNSUP)
            if option == OPT_ABORT:
                self.send(acknowledged)
                raise Gone
            if option == OPT_STARTTLS and "tls" in cues:
                self.send(acknowledged)
                self.misbehave(cues["tls"], bytes(100))
            elif option == OPT_STRUCTURED_REPLY and "structured" not in without:
                self.structured = True
                answer = acknowledged
            elif option == OPT_SET_META_CONTEXT and self.structured and "status" not in without:
                self.contexts = b"base:allocation" in data
                answer = acknowledged
                if self.contexts:
                    context = struct.pack(">I", CONTEXT) + b"base:allocation"
                    answer = self.option_reply(option, REP_META_CONTEXT, context) + answer
            elif option in (OPT_INFO, OPT_GO):
                blocks = struct.pack(
                    ">HIII", INFO_BLOCK_SIZE, int(cues.get("minimum", 1)),
                    max(4096, int(cues.get("minimum", 1))), int(cues.get("maximum", 32 << 20))
                )  # fmt: skip
                answer = (
                    self.option_reply(option, REP_INFO, struct.pack(">HQH", INFO_EXPORT, size, flags))
                    + self.option_reply(option, REP_INFO, blocks)
                    + acknowledged
                )
            elif option == OPT_EXPORT_NAME:
                answer = struct.pack(">QH", size, flags)
            begins = option in (OPT_GO, OPT_EXPORT_NAME)
            if begins and "options" in cues:
                self.misbehave(cues["options"], answer)
            else:
                self.send(answer)
            if begins:
                return

    # --- Requests

    def carry_out(self, command, offset, length, data):
        """Returns the error, and the data of a read."""
        file = self.server.file
        try:
            if command == READ:
                return 0, os.pread(file, length, offset).ljust(length, b"\0")
            if command == WRITE:
                os.pwrite(file, data, offset)
            elif command == TRIM:
                os.pwrite(file, bytes(length), offset)
            elif command == FLUSH:
                os.fdatasync(file)
            elif command not in (CACHE, BLOCK_STATUS):
                return EINVAL, b""
        except OSError as error:
            return error.errno, b""
        return 0, b""

    def simple(self, error, data=b""):
        return struct.pack(">IIQ", 0x67446698, error, self.cookie) + data

    def chunk(self, kind, data=b"", flags=DONE, length=None):
        length = len(data) if length is None else length
        return struct.pack(">IHHQI", 0x668E33EF, flags, kind, self.cookie, length) + data

    def data_chunk(self, offset, data, flags=DONE):
        return self.chunk(CHUNK_DATA, struct.pack(">Q", offset) + data, flags)

    def extents(self, *entries, context=CONTEXT):
        flat = [number for entry in entries for number in entry]
        return self.chunk(CHUNK_STATUS, struct.pack(f">I{len(flat)}I", context, *flat))

    def honest(self, command, offset, length, error, data):
        if not self.structured or command not in (READ, BLOCK_STATUS):
            return self.simple(error, data)
        if error:
            return self.chunk(CHUNK_ERROR, struct.pack(">IH", error, 0))
        return self.data_chunk(offset, data) if command == READ else self.extents((length, 0))

    def serve(self):
        while True:
            magic, _, command, self.cookie, offset, length = struct.unpack(">IHHQQI", self.receive(28))
            if magic != 0x25609513:
                print(f"connection {self.number}: not a request", flush=True)
                raise Gone
            data = self.receive(length) if command == WRITE else b""
            if command == DISC:
                raise Gone
            print(f"connection {self.number}: {NAMES.get(command, command)} {length} at {offset}", flush=True)
            earlier = self.earlier.get(command, 0)
            self.earlier[command] = earlier + 1
            how, late = self.server.cues.reply(command, earlier)
            if how and how.startswith("error:"):
                self.send(self.honest(command, offset, length, int(how[6:]), b""))
                continue
            if late and command in (WRITE, TRIM):
                threading.Timer(late, self.carry_out, (command, offset, length, data)).start()
                error, found = 0, b""
            elif how == "drop":
                raise Gone
            else:
                error, found = self.carry_out(command, offset, length, data)
            answer = self.honest(command, offset, length, error, found)
            if how is None:
                self.send(answer)
            elif how in ("silent", "close", "garbage", "text", "trickle"):
                self.misbehave(how, answer)
            else:
                self.send_all(REPLIES[how](self, answer, offset, length, found))

    def send_all(self, parts):
        for part in parts:
            if callable(part):
                part()
            else:
                self.send(part)

    def hang_up(self):
        raise Gone


def half(answer):
    return answer[: (len(answer) + 1) // 2]


# What is sent instead of `answer`, the honest reply: bytes, and things to do in between. Those for
# chunks make sense for a read, those for extents for a question about blocks.
REPLIES = {
    "short": lambda c, answer, *_: [half(answer), c.hang_up],
    "stalled": lambda c, answer, *_: [half(answer), c.silent],
    "twice": lambda c, answer, *_: [answer, answer],
    "cookie": lambda c, answer, *_: [answer[:8] + bytes(8) + answer[16:]],
    "chunk-beyond": lambda c, _, offset, length, found: [c.data_chunk(offset + length - 1, found)],
    "chunk-before": lambda c, _, offset, length, found: [c.data_chunk(max(offset, 1) - 1, half(found))],
    "chunk-overlap": lambda c, _, offset, length, found: [
        c.data_chunk(offset, found, 0), c.data_chunk(offset, found)],
    "chunk-missing": lambda c, _, offset, length, found: [c.data_chunk(offset, half(found))],
    "chunk-empty": lambda c, _, offset, length, found: [c.data_chunk(offset, b"")],
    "chunk-none": lambda c, *_: [c.chunk(CHUNK_NONE)],
    "chunk-unknown": lambda c, *_: [c.chunk(77, b"what is this")],
    "chunk-unknown-error": lambda c, *_: [c.chunk(32768 + 77, struct.pack(">IH", 5, 0))],
    "chunk-error-after-data": lambda c, _, offset, length, found: [
        c.data_chunk(offset, found, 0), c.chunk(CHUNK_ERROR, struct.pack(">IH", 5, 0))],
    "chunk-error-0": lambda c, *_: [c.chunk(CHUNK_ERROR, struct.pack(">IH", 0, 0))],
    "chunk-error-lies": lambda c, *_: [c.chunk(CHUNK_ERROR, struct.pack(">IH", 5, 60000))],
    "chunk-huge": lambda c, *_: [c.chunk(CHUNK_DATA, bytes(8), length=0xFFFFFFFF), bytes(4 << 20)],
    "hole-huge": lambda c, _, offset, *__: [
        c.chunk(CHUNK_HOLE, struct.pack(">QI", offset, 0xFFFFFFFF))],
    "hole-short": lambda c, *_: [c.chunk(CHUNK_HOLE, b"\0")],
    "chunks-for-ever": lambda c, _, offset, *__: itertools.cycle(
        [c.data_chunk(offset, b"", 0) * 10, lambda: time.sleep(0.01)]),
    "chunk-for-a-status": lambda c, *_: [c.extents((4096, 0))],
    "extent-of-0": lambda c, *_: [c.extents((0, 0))],
    "extent-huge": lambda c, *_: [c.extents((0xFFFFFFFF, HOLE))],
    "extents-huge": lambda c, *_: [c.extents(*[(0xFFFFFFFF, HOLE)] * 1000)],
    "extents-many": lambda c, *_: [c.extents(*[(1, i % 2) for i in range(1 << 17)])],
    "extents-odd": lambda c, *_: [c.chunk(CHUNK_STATUS, struct.pack(">I", CONTEXT) + bytes(13))],
    "extents-none": lambda c, *_: [c.extents()],
    "extents-of-another-context": lambda c, _, __, length, *___: [c.extents((length, 0), context=99)],
    "extents-twice": lambda c, _, __, length, *___: [
        c.extents((length, HOLE)).replace(struct.pack(">HH", DONE, CHUNK_STATUS), struct.pack(">HH", 0, CHUNK_STATUS)),
        c.extents((length, 0))],
    "data-for-extents": lambda c, _, offset, length, *__: [c.data_chunk(offset, bytes(length))],
}  # fmt: skip


class Server:
    def __init__(self, path, file, cues):
        self.file = os.open(file, os.O_RDWR)
        self.cues = Cues(cues)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(64)

    def serve_one(self, stream, number):
        connection = Connection(stream, self, number)
        with stream:
            try:
                cues = self.cues.read()
                connection.greet(cues)
                connection.negotiate(cues)
                connection.serve()
            except Gone:
                pass

    def serve(self):
        number = 0
        while True:
            stream, _ = self.listener.accept()
            number += 1
            print(f"connection {number}", flush=True)
            threading.Thread(target=self.serve_one, args=(stream, number), daemon=True).start()


if __name__ == "__main__":
    Server(*sys.argv[1:4]).serve()
