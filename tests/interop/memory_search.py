#!/usr/bin/python3
"""Searches processes and files for the keys and secrets of volumes.

  memory_search.py [OPTION…] MATERIAL… [--processes PID…] [--files FILE…]

MATERIAL: files that key_material.py wrote. A process is stopped while all of its memory is copied,
what it has swapped out, too; its descendants, their arguments and environments are searched as well. Every
copy of key material is printed, and one where it must not be makes the exit status 1: "gone"
anywhere, "kept" anywhere but in memory that is locked and left out of core dumps.

  --times N  search the processes N times, a little later each time
  --serving  there must be keys in locked memory; a search that misses those is no search
  --at-work  "kept" may also be in writable memory of nobody else's, for a moment
"""
import argparse
import collections
import contextlib
import json
import mmap
import os
import pathlib
import re
import signal
import struct
import sys
import time

WINDOW = 8  # so many bytes of a key are a piece of it
PAGE = mmap.PAGESIZE
CHUNK = 16 * PAGE  # searched, or known, as a whole

# ---- what is looked for ----


def orders(data):
    """The byte orders in which ciphers keep words: as they are, words of 32 bits, whole blocks."""
    yield data
    yield b"".join(data[at:at + 4][::-1] for at in range(0, len(data), 4))
    yield data[::-1]


class Needles:
    """All pieces of WINDOW bytes, as integers, with what they are."""

    def __init__(self, files):
        self.meaning = {}
        for file in files:
            # A round key may be what is gone and what is kept; the latter goes.
            for kind in "gone", "kept":
                for name, text in json.loads(pathlib.Path(file).read_bytes())[kind].items():
                    self.add(kind, name, bytes.fromhex(text))
        self.windows = frozenset(self.meaning)

    def add(self, kind, name, data):
        for ordered in orders(data):
            for at in range(0, len(ordered) - WINDOW + 1, WINDOW):
                piece = int.from_bytes(ordered[at:at + WINDOW], sys.byteorder)
                self.meaning[piece] = (kind, name)

    def find(self, data):
        """Yields the kind and name of every piece in `data`, wherever it begins."""
        for shift in range(WINDOW):
            whole = (len(data) - shift) // WINDOW * WINDOW
            words = memoryview(data)[shift:shift + whole].cast("Q")
            if self.windows.isdisjoint(words):
                continue
            yield from (self.meaning[word] for word in words if word in self.windows)


# ---- processes ----

Mapping = collections.namedtuple("Mapping", "begin end access name flags")


class Process:
    def __init__(self, number):
        self.number = number
        self.folder = pathlib.Path(f"/proc/{number}")
        self.name = f"process {number} ({(self.folder / 'comm').read_text().strip()})"

    def descendants(self):
        for children in self.folder.glob("task/*/children"):
            for number in children.read_text().split():
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended
                    child = Process(int(number))
                    yield child
                    yield from child.descendants()

    @contextlib.contextmanager
    def stopped(self):
        os.kill(self.number, signal.SIGSTOP)
        try:
            while not all(map(is_stopped, self.folder.glob("task/*/stat"))):
                time.sleep(0.001)
            yield
        finally:
            os.kill(self.number, signal.SIGCONT)

    def mappings(self):
        for line in (self.folder / "smaps").read_text().splitlines():
            if head := re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \d+ *(.*)", line):
                begin, end, access, name = head.groups()
            elif line.startswith("VmFlags:"):
                yield Mapping(int(begin, 16), int(end, 16), access, name or "anonymous memory",
                              frozenset(line.split()[1:]))

    def memory(self):
        """Yields a mapping and its bytes, for each run of pages that there are."""
        with (self.folder / "mem").open("rb", 0) as mem, \
                (self.folder / "pagemap").open("rb", 0) as pagemap:
            for mapping in self.mappings():
                if mapping.name in {"[vvar]", "[vsyscall]"}:
                    continue  # the kernel's, and not to be read
                pages = (mapping.end - mapping.begin) // PAGE
                entries = os.pread(pagemap.fileno(), 8 * pages, mapping.begin // PAGE * 8)
                # In memory or swapped out. The others are empty, or only in their file.
                used = [entry >> 62 != 0 for entry in struct.unpack(f"{pages}Q", entries)]
                for first, end in runs(used):
                    data = os.pread(mem.fileno(), (end - first) * PAGE, mapping.begin + first * PAGE)
                    if len(data) != (end - first) * PAGE:
                        raise RuntimeError(f"cannot read all of {mapping.name} of {self.name}")
                    yield mapping, data


def is_stopped(stat):
    try:
        return stat.read_text().rpartition(")")[2].split()[0] in "TtZX"
    except (FileNotFoundError, ProcessLookupError):  # the thread has ended
        return True


def runs(flags):
    """Yields (first, last + 1) of each run of true flags."""
    begin = None
    for index, flag in enumerate((*flags, False)):
        if flag and begin is None:
            begin = index
        elif not flag and begin is not None:
            yield begin, index
            begin = None


# ---- the search ----


class Search:
    def __init__(self, needles, at_work):
        self.needles, self.at_work = needles, at_work
        self.found = collections.defaultdict(collections.Counter)
        self.clean = set()  # what was searched before, such as the text of programs
        self.bytes = 0

    def data(self, data, place, allowed=lambda kind: False):
        self.bytes += len(data)
        for begin in range(0, len(data), CHUNK):
            chunk = data[begin:begin + CHUNK + WINDOW - 1]
            if chunk in self.clean:
                continue
            found = list(self.needles.find(chunk))
            for kind, name in found:
                self.found["" if allowed(kind) else "MISPLACED ", place][name] += 1
            if not found:
                self.clean.add(chunk)

    def file(self, path):
        """What it has of data; a core dump is mostly holes."""
        with open(path, "rb") as file:
            end = 0
            while True:
                try:
                    begin = os.lseek(file.fileno(), end, os.SEEK_DATA)
                except OSError:  # nothing from there on
                    return
                end = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
                self.data(os.pread(file.fileno(), end - begin, begin), path)

    def mapping(self, process, mapping, data):
        locked = {"lo", "dd"} <= mapping.flags
        private = mapping.access.startswith("rw") and mapping.access.endswith("p")
        state = "locked" if locked else "not locked or dumped"
        self.data(data, f"{state} memory of {process.name}: {mapping.name}",
                  lambda kind: kind == "kept" and (locked or self.at_work and private))

    def process(self, process):
        with process.stopped():
            memory = list(process.memory())
            public = {file: (process.folder / file).read_bytes() for file in ("cmdline", "environ")}
        for file, data in public.items():
            self.data(data, f"{file} of {process.name}")
        for mapping, data in memory:
            self.mapping(process, mapping, data)

    def misplaced(self):
        return any(verdict for verdict, _ in self.found)

    def in_locked_memory(self):
        return any(place.startswith("locked") for _, place in self.found)

    def __str__(self):
        lines = [f"{self.bytes >> 10} KiB searched"]
        for (verdict, place), names in sorted(self.found.items()):
            some = "; ".join(list(names)[:4]) + ("; …" if len(names) > 4 else "")
            lines.append(f"{verdict}{names.total()} pieces in {place}: {some}")
        return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("material", nargs="+")
    parser.add_argument("--processes", nargs="+", type=int, default=[])
    parser.add_argument("--files", nargs="+", default=[])
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--serving", action="store_true")
    parser.add_argument("--at-work", action="store_true")
    arguments = parser.parse_args()

    search = Search(Needles(arguments.material), arguments.at_work)
    for _ in range(arguments.times):
        for number in arguments.processes:
            root = Process(number)
            search.process(root)
            for child in root.descendants():
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended
                    search.process(child)
    for file in arguments.files:
        search.file(file)
    print(search)
    if arguments.serving and not search.in_locked_memory():
        sys.exit("no key in locked memory: what was searched is not the server of this volume")
    sys.exit(search.misplaced())


if __name__ == "__main__":
    main()
