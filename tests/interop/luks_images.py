"""LUKS headers in memory, for tests to change. Layouts as in cryptsetup's docs/on-disk-format and
docs/on-disk-format-luks2."""

import hashlib
import json
import struct

BINARY = 4096  # bytes of LUKS2's binary header before the JSON area


class Luks1:
    """A LUKS1 header and its key slot areas."""

    CIPHER_NAME, CIPHER_MODE, HASH, PAYLOAD_OFFSET, KEY_BYTES = 8, 40, 72, 104, 108
    DIGEST_ITERATIONS, UUID = 164, 168

    def __init__(self, image):
        self.image = bytearray(image)

    @staticmethod
    def slot(number, field):
        """Where a field of a key slot is."""
        fields = {"active": 0, "iterations": 4, "material": 40, "stripes": 44}
        return 208 + 48 * number + fields[field]

    def put16(self, offset, value):
        struct.pack_into(">H", self.image, offset, value)

    def put32(self, offset, value):
        struct.pack_into(">I", self.image, offset, value)

    def get32(self, offset):
        return struct.unpack_from(">I", self.image, offset)[0]

    def put_text(self, offset, text, size=32):
        self.image[offset : offset + size] = text.ljust(size, b"\0")


class Luks2:
    """A LUKS2 header. Changes go into both copies, with checksums that are right."""

    VERSION, SIZE, SEQUENCE, LABEL, ALGORITHM, UUID, SUBSYSTEM, OFFSET = 6, 8, 16, 24, 72, 168, 208, 256
    CHECKSUM = 448

    def __init__(self, image):
        self.image = bytearray(image)
        (self.size,) = struct.unpack_from(">Q", self.image, self.SIZE)  # of one copy

    @property
    def copies(self):
        """Where the copies begin."""
        return 0, self.size

    @property
    def text(self):
        """The JSON text."""
        return bytes(self.image[BINARY : self.size]).split(b"\0", 1)[0]

    def put(self, offset, data, copies=None):
        """Bytes at `offset` of each copy; `data` may be a function of the place of the copy."""
        for start in self.copies if copies is None else copies:
            piece = data(start) if callable(data) else data
            self.image[start + offset : start + offset + len(piece)] = piece
            self.seal(start)

    def put64(self, offset, value, copies=None):
        self.put(offset, struct.pack(">Q", value), copies)

    def put_area(self, data):
        """All of the JSON area, which the data must not exceed."""
        assert len(data) <= self.size - BINARY, "the JSON does not fit"
        self.put(BINARY, data.ljust(self.size - BINARY, b"\0"))

    def put_json(self, value):
        text = json.dumps(value, separators=(",", ":")).encode()
        assert len(text) < self.size - BINARY, "no room for a NUL"
        self.put_area(text)

    def seal(self, start):
        """Computes the checksum of the copy at `start` again."""
        copy = self.image[start : start + self.size]
        name = bytes(copy[self.ALGORITHM : self.ALGORITHM + 32]).rstrip(b"\0").decode("latin-1")
        copy[self.CHECKSUM : self.CHECKSUM + 64] = bytes(64)
        digest = hashlib.new(name if name in hashlib.algorithms_available else "sha256", copy).digest()
        place = start + self.CHECKSUM
        self.image[place : place + 64] = digest.ljust(64, b"\0")

    def resize(self, size):
        """Gives both copies `size` bytes; the key slot areas follow them."""
        value = json.loads(self.text)
        moved = 2 * size - 2 * self.size
        for slot in value["keyslots"].values():
            slot["area"]["offset"] = str(int(slot["area"]["offset"]) + moved)
        value["config"]["json_size"] = str(size - BINARY)
        copies = [bytes(self.image[start : start + BINARY]).ljust(size, b"\0") for start in self.copies]
        self.image = bytearray(copies[0] + copies[1]) + self.image[2 * self.size :]
        self.size = size
        self.put64(self.OFFSET, size, copies=[size])
        self.put64(self.SIZE, size)
        self.put_json(value)
