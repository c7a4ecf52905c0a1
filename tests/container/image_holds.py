#!/usr/bin/python3
"""Is one of some byte strings anywhere in an image? image_holds.py IMAGE.tar FILE...

IMAGE.tar is what `podman save --format docker-archive` writes. Looks through its configuration and
every layer, whatever was deleted by a later one, for the whole contents of each FILE, as they are
and in hexadecimal. Prints where they are. Exits 0 when something was found, 1 when not, 2 when the
image has no layers to look into.
"""

import gzip
import io
import pathlib
import sys
import tarfile


def blobs(archive, prefix=""):
    """(name, bytes) of each file of a tar, also in tars within it."""
    for member in archive:
        if not member.isfile():
            continue
        data = archive.extractfile(member).read()
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
        yield prefix + member.name, data
        if not prefix and data[257:262] == b"ustar":
            yield from blobs(tarfile.open(fileobj=io.BytesIO(data)), member.name + ":")


def main():
    image, *files = sys.argv[1:]
    needles = []
    for file in files:
        contents = pathlib.Path(file).read_bytes()
        if len(contents) < 16:
            raise SystemExit(f"{file} is too short to look for")
        needles += [(file, contents), (f"{file} in hexadecimal", contents.hex().encode())]
    found = in_layers = 0
    with tarfile.open(image) as archive:
        for name, data in blobs(archive):
            in_layers += ":" in name
            for what, needle in needles:
                if needle in data:
                    print(f"{what}: {name}")
                    found += 1
    if in_layers == 0:
        return 2
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
