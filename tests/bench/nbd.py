"""As much of an NBD client as it takes to see that an export is served: connect, and read from it."""

import socket
import struct
import time

OPT_GO, REP_ACK = 7, 1
REPLY_MAGIC = 0x0003E889045565A9


class Client:
    """One connection to the default export of a unix socket, or to another by name."""

    def __init__(self, path, name=""):
        self.socket = socket.socket(socket.AF_UNIX)
        try:
            self.socket.connect(path)
            self.receive(18)  # NBDMAGIC, IHAVEOPT, flags
            asked = struct.pack(">I", len(name)) + name.encode() + struct.pack(">H", 0)
            self.socket.sendall(struct.pack(">I", 3) + b"IHAVEOPT" + struct.pack(">II", OPT_GO, len(asked)) + asked)
            reply = None
            while reply != REP_ACK:
                magic, _, reply, length = struct.unpack(">QIII", self.receive(20))
                said = self.receive(length)
                if magic != REPLY_MAGIC or reply >= 1 << 31:
                    raise ConnectionError(f"the export is refused: {said.decode(errors='replace')}")
        except BaseException:
            self.close()
            raise

    def receive(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise ConnectionError("the server hung up")
            data += part
        return data

    def read(self, offset, count):
        self.socket.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 0, 1, offset, count))
        _, error, _ = struct.unpack(">IIQ", self.receive(16))
        if error:
            raise OSError(error, "NBD read")
        return self.receive(count)

    def close(self):
        self.socket.close()


def first_byte(path, server, name=""):
    """Waits until `server`, a Popen, serves its first sector at the socket."""
    deadline = time.monotonic() + 60
    while True:
        try:
            client = Client(path, name)
            try:
                return client.read(0, 512)
            finally:
                client.close()
        except (FileNotFoundError, ConnectionError) as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"does not serve: {server.args}: {error}") from error
            time.sleep(0.0005)
