"""Malformed headers: what the plugin says of each, and whether cryptsetup luksDump agrees.

The rows are in malformed_luks1.py and malformed_luks2.py; each changes one thing in a good header that
cryptsetup made. Our verdict is one of
  served    the volume opens
  refused   the header is intact, and not served: not supported, or against policy
  damaged   it is not a valid header
cryptsetup agrees when it shows what we serve and only that; where it does not, the row says why ours is
right. Every row is tried whatever the others do.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import malformed_luks1
import malformed_luks2
import sanitizer_reports
from luks_images import Luks1, Luks2
from vectors import PLUGIN, Nbdkit

KDF = ["--pbkdf-force-iterations", "1000"]
KEY = ["--cipher", "aes-xts-plain64", "--key-size", "256"]


class Volume:
    """A header of cryptsetup's making, a sparse payload and a secret."""

    def __init__(self, work):
        self.header, self.payload, self.secret = work / "header", work / "payload", work / "secret"
        self.secret.write_text("a secret")
        with open(self.payload, "wb") as file:
            file.truncate(64 << 20)


def cryptsetup(*arguments):
    subprocess.run(["cryptsetup", "--batch-mode", *arguments], check=True, stderr=subprocess.DEVNULL)


def make_luks1(volume):
    cryptsetup("luksFormat", "--type", "luks1", *KDF, *KEY, "--header", volume.header, volume.payload,
               volume.secret)
    return volume.header.read_bytes()


def make_luks2(volume):
    """With an unbound key slot 1 and a token."""
    kdf = ["--pbkdf", "pbkdf2", *KDF]
    cryptsetup("luksFormat", "--type", "luks2", "--luks2-metadata-size", "16k", "--luks2-keyslots-size",
               "512k", "--sector-size", "512", *kdf, *KEY, "--header", volume.header, volume.payload, volume.secret)
    cryptsetup("luksAddKey", "--unbound", "--key-slot", "1", "--key-size", "256", *kdf, "--key-file",
               volume.secret, volume.header, volume.secret)
    cryptsetup("token", "add", "--key-slot", "0", "--key-description", "x", volume.header)
    return volume.header.read_bytes()


def change_luks1(image, statements):
    header = Luks1(image)
    exec(statements, {"h": header, "LAST_AREA": malformed_luks1.LAST_AREA})
    return header.image


def change_luks2(image, statements):
    header = Luks2(image)
    text = header.text
    value = json.loads(text)
    scope = {"h": header, "text": text, "j": value, "s": value["segments"]["0"]}
    scope["a"], scope["b"] = value["keyslots"]["0"], value["keyslots"]["1"]
    scope["d"], scope["e"] = value["digests"]["0"], value["digests"]["1"]
    exec(statements, scope)
    if scope["text"] != text:
        header.put_area(scope["text"])
    elif json.dumps(value) != json.dumps(json.loads(text)):
        header.put_json(value)
    return header.image


def our_verdict(work, volume):
    """One of the three words, and the message."""
    server = Nbdkit(
        work, "plugin",
        [PLUGIN, f"header={volume.header}", f"payload={volume.payload}", f"secret={volume.secret}"],
        under_test=True,
    )
    if server.serves():
        status = server.stop()
        return ("served" if status == 0 else f"served, then status {status}"), server.said()
    status, said = server.process.wait(), server.said()
    if status != 1:
        return f"status {status}", said
    damaged = re.search("the LUKS header is damaged|there is no LUKS header", said)
    return ("damaged" if damaged else "refused"), said


def cryptsetup_shows(header):
    """luksDump may repair a header in place: the caller gives it a copy."""
    dump = subprocess.run(["cryptsetup", "luksDump", header], stdin=subprocess.DEVNULL, capture_output=True)
    return dump.returncode == 0


def complaints(folder, base, row, image):
    """What is wrong with the row."""
    _, _, verdict, piece, because = row
    if image == base and row[0] != "unchanged":
        yield "it changes nothing"
    folder.mkdir()
    volume = Volume(folder)
    volume.header.write_bytes(image)
    answer, said = our_verdict(folder, volume)
    if answer != verdict:
        yield f"{answer}: {said}"
    elif not re.search(piece, said):
        yield f"does not say /{piece}/: {said}"
    if volume.header.read_bytes() != image:
        yield "the header was written"
    if sanitizer_reports.main(folder.glob("sanitizer.*")):
        yield "a sanitizer report, see above"
    theirs = cryptsetup_shows(volume.header)
    if theirs == (verdict == "served"):
        if because:
            yield "cryptsetup agrees: nothing to explain"
    elif not because:
        yield f"cryptsetup {'shows' if theirs else 'refuses'} it, and the row does not say why it is wrong"


def main():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    os.environ["LC_ALL"] = "C"
    began = time.monotonic()
    failed, differ, count = 0, 0, 0
    with tempfile.TemporaryDirectory(prefix="luksdetached-malformed.") as name, \
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        work = pathlib.Path(name)
        for version, make, change, rows in (
            ("LUKS1", make_luks1, change_luks1, malformed_luks1.ROWS),
            ("LUKS2", make_luks2, change_luks2, malformed_luks2.ROWS),
        ):
            folder = work / version
            folder.mkdir()
            base = make(Volume(folder))
            names = [row[0] for row in rows]
            assert len(set(names)) == len(names), sorted(name for name in names if names.count(name) > 1)

            def judge(number):
                row = rows[number]
                return list(complaints(folder / str(number), base, row, change(base, row[1])))

            for row, wrong in zip(rows, pool.map(judge, range(len(rows)))):
                count += 1
                failed += bool(wrong)
                differ += bool(row[4])
                for complaint in wrong:
                    print(f"FAIL {version}: {row[0]}: {complaint}")
    print(f"{count - failed} of {count} rows are right in {time.monotonic() - began:.0f} s; "
          f"in {differ} of them cryptsetup says something else")
    return 1 if failed or count < 120 else 0


if __name__ == "__main__":
    sys.exit(main())
