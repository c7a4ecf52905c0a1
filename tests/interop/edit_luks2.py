"""edit_luks2.py HEADER STATEMENTS: changes the JSON of a LUKS2 header file in place.

STATEMENTS are Python and change the object `json`, such as "json['segments']['0']['size'] = '512'".
Both copies are written, with checksums that are right: what is wrong afterwards is the content alone.
Layout as in cryptsetup's docs/on-disk-format-luks2.
"""

import hashlib
import json as codec
import struct
import sys

BINARY = 4096  # bytes of the binary header before the JSON area
CHECKSUM = slice(448, 512)


def main(path, statements):
    with open(path, "rb") as file:
        image = bytearray(file.read())
    (size,) = struct.unpack_from(">Q", image, 8)  # hdr_size: binary header and JSON area
    json = codec.loads(image[BINARY:size].split(b"\0", 1)[0])
    scope = {"json": json}
    exec(statements, scope)
    text = codec.dumps(scope["json"], separators=(",", ":")).encode()
    assert len(text) < size - BINARY, "the JSON does not fit"
    for start in (0, size):
        copy = image[start : start + size]
        copy[BINARY:] = text.ljust(size - BINARY, b"\0")
        assert copy[72:104].rstrip(b"\0") == b"sha256", "the checksum algorithm"
        copy[CHECKSUM] = bytes(64)
        copy[448:480] = hashlib.sha256(copy).digest()
        image[start : start + size] = copy
    with open(path, "wb") as file:
        file.write(image)


main(*sys.argv[1:])
