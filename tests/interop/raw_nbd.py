"""raw_nbd: NBD as bytes on a unix socket, for what libnbd would not send or would not tell."""

import socket
import struct
import sys

OPT_EXPORT_NAME, OPT_ABORT, OPT_LIST, OPT_INFO, OPT_GO, OPT_STRUCTURED_REPLY = 1, 2, 3, 6, 7, 8
OPT_LIST_META_CONTEXT, OPT_SET_META_CONTEXT = 9, 10
REP_ACK, REP_SERVER, REP_INFO, REP_META_CONTEXT = 1, 2, 3, 4
REP_ERR_UNSUP, REP_ERR_INVALID = (1 << 31) + 1, (1 << 31) + 3
INFO_EXPORT, INFO_BLOCK_SIZE = 0, 3

(HAS_FLAGS, READ_ONLY, SEND_FLUSH, SEND_FUA, ROTATIONAL, SEND_TRIM, SEND_WRITE_ZEROES, SEND_DF,
 CAN_MULTI_CONN, SEND_RESIZE, SEND_CACHE, SEND_FAST_ZERO) = (1 << bit for bit in range(12))

READ, WRITE, DISC, FLUSH, TRIM, CACHE, WRITE_ZEROES, BLOCK_STATUS = range(8)
FLAG_FUA, FLAG_NO_HOLE, FLAG_DF, FLAG_REQ_ONE, FLAG_FAST_ZERO = 1, 2, 4, 8, 16

CHUNK_NONE, CHUNK_DATA, CHUNK_HOLE, CHUNK_STATUS, CHUNK_ERROR, CHUNK_ERROR_OFFSET = 0, 1, 2, 5, 32769, 32770

# The errors as they are on the wire, which are not those of the machine.
OK, EPERM, EIO, ENOMEM, EINVAL, ENOSPC, EOVERFLOW, ENOTSUP = 0, 1, 5, 12, 22, 28, 75, 95


class Closed(Exception):
    """The server has ended the connection."""


class Client:
    """A connection to the server at the unix socket `path`, greeted, with no option sent yet."""

    def __init__(self, path):
        self.structured = False
        self.cookie = 0
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(path)
        assert self.receive(16) == b"NBDMAGICIHAVEOPT"
        (flags,) = struct.unpack(">H", self.receive(2))
        assert flags & 3 == 3, f"not fixed newstyle, or with zeroes: {flags}"
        self.send(struct.pack(">I", 3))

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Closed from error

    def receive(self, size):
        data = bytearray()
        while len(data) < size:
            try:
                part = self.socket.recv(size - len(data))
            except ConnectionResetError as error:
                raise Closed from error
            if not part:
                raise Closed
            data += part
        return bytes(data)

    def option(self, number, data=b""):
        """Sends an option. Returns all replies to it, as (type, data); the last is the verdict."""
        self.send(b"IHAVEOPT" + struct.pack(">II", number, len(data)) + data)
        replies = []
        while True:
            magic, answered, kind, size = struct.unpack(">QIII", self.receive(20))
            assert magic == 0x3E889045565A9 and answered == number
            replies.append((kind, self.receive(size)))
            if kind == REP_ACK or kind >> 31:
                return replies

    def verdict(self, number, data=b""):
        return self.option(number, data)[-1][0]

    def ask(self, number, name=b"", information=()):
        """OPT_INFO or OPT_GO: the information of the replies by its type."""
        data = struct.pack(">I", len(name)) + name
        data += struct.pack(f">H{len(information)}H", len(information), *information)
        replies = self.option(number, data)
        assert replies[-1][0] == REP_ACK, replies
        return {struct.unpack(">H", told[:2])[0]: told[2:] for kind, told in replies if kind == REP_INFO}

    def want_structured(self):
        assert self.verdict(OPT_STRUCTURED_REPLY) == REP_ACK
        self.structured = True

    def go(self, name=b""):
        """Begins with an export; sets its size and its flags."""
        told = self.ask(OPT_GO, name, [INFO_BLOCK_SIZE])
        self.size, self.flags = struct.unpack(">QH", told[INFO_EXPORT])
        return self

    def begin(self, command, offset=0, length=0, flags=0, data=b"", magic=0x25609513):
        self.cookie += 1
        self.send(struct.pack(">IHHQQI", magic, flags, command, self.cookie, offset, length) + data)

    def end(self, length=0):
        """The error of the reply and its chunks, each (type, data). `length`: of the data if it is
        simple, where a reply that is not an error has no other sign of it."""
        chunks = []
        while True:
            (magic,) = struct.unpack(">I", self.receive(4))
            if magic == 0x67446698:
                error, cookie = struct.unpack(">IQ", self.receive(12))
                assert cookie == self.cookie and not chunks
                if length and not error:
                    chunks.append((None, self.receive(length)))
                return error, chunks
            assert magic == 0x668E33EF and self.structured, hex(magic)
            flags, kind, cookie, size = struct.unpack(">HHQI", self.receive(16))
            assert cookie == self.cookie
            chunks.append((kind, self.receive(size)))
            if flags & 1:
                errors = [struct.unpack(">I", told[:4])[0] for kind, told in chunks if kind >> 15]
                return (errors or [OK])[0], chunks

    def request(self, command, offset=0, length=0, flags=0, data=b""):
        """Its error and the chunks of its reply."""
        self.begin(command, offset, length, flags, data)
        return self.end(length if command == READ else 0)

    def error(self, *request, **options):
        """The error alone."""
        return self.request(*request, **options)[0]

    def read(self, offset, length):
        """What is there, by whichever replies there are."""
        error, chunks = self.request(READ, offset, length)
        assert error == OK, error
        found = bytearray(length)
        for kind, data in chunks:
            if kind is None:
                return data
            if kind in (CHUNK_DATA, CHUNK_HOLE):
                (at,) = struct.unpack(">Q", data[:8])
                part = data[8:] if kind == CHUNK_DATA else bytes(struct.unpack(">I", data[8:])[0])
                found[at - offset : at - offset + len(part)] = part
        return bytes(found)

    def leave(self):
        """Says goodbye; the server must have nothing more to say. It may wait for us to hang up first, as
        nbdkit 1.42 does at times."""
        self.begin(DISC)
        self.socket.shutdown(socket.SHUT_WR)
        try:
            self.receive(1)
        except Closed:
            return
        sys.exit("an answer to a goodbye")
