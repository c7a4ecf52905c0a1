"""power_cut_states.py FOLDER STATE COMMAND ARGUMENT…

Carries out COMMAND and records by which system calls it changes the files in FOLDER. Then makes of STATE, one
after the other, what a power cut can leave of FOLDER: for each prefix of these calls everything that was flushed,
and any part of the rest, in blocks of 512 bytes or 4 KiB, the last write torn at any block. Likewise names: each
creation, rename and removal in a folder that was not flushed since may be lost, whatever became of the others.

For each state it says in a line on standard output which one that is, and waits for a line on standard input;
in the end it says "done COUNT". What COMMAND says goes to standard error. A call that changes FOLDER and is not
understood is an error, and so is a replay that does not end with what COMMAND has left."""
import itertools
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

WRITES = ["write", "pwrite64", "writev", "pwritev", "pwritev2"]
# Whatever changes a file or its name, or makes that durable. Those without a method of Disk are not understood.
CALLS = [*WRITES, "open", "openat", "openat2", "creat", "truncate", "ftruncate", "fallocate", "copy_file_range",
         "sendfile", "splice", "mmap", "msync", "io_setup", "io_uring_setup", "fsync", "fdatasync",
         "sync_file_range", "sync", "syncfs", "rename", "renameat", "renameat2", "link", "linkat", "symlink",
         "symlinkat", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "mknod", "mknodat", "fchmod", "chmod",
         "fchmodat", "fchown", "chown", "lchown", "fchownat", "setxattr", "fsetxattr", "lsetxattr", "ioctl"]


def decoded(text):
    """Of strace's -xx."""
    return bytes.fromhex(text.replace("\\x", ""))


class Call:
    def __init__(self, name, arguments, result):
        self.name, self.arguments, self.result = name, arguments, result
        self.descriptors = [os.fsdecode(decoded(hexed)) for hexed in re.findall(r"<((?:\\x..)+)>", arguments)]
        self.strings = [decoded(hexed) for hexed in re.findall(r'"((?:\\x..)*)"', arguments)]

    def __str__(self):
        shown = re.sub(r"(?:\\x..){4097,}", "…", self.arguments)
        shown = re.sub(r"(?:\\x..)+", lambda hexed: ascii(os.fsdecode(decoded(hexed[0]))), shown)
        return f"{self.name}({shown}) = {self.result}"


def record(folder, command):
    """The calls of the command that succeeded and are about the folder, in the order of their ends."""
    with tempfile.NamedTemporaryFile("r") as trace:
        subprocess.run(["strace", "-f", "-qq", "-y", "-xx", "-s", str(1 << 25), "-e", "abbrev=none", "-o", trace.name,
                        "-e", "trace=" + ",".join(CALLS), *command], check=True, stdout=sys.stderr)
        begun, writes = {}, 0  # what has begun, and after how many writes
        inside = "".join(f"\\x{byte:02x}" for byte in os.fsencode(folder) + b"/")
        for line in trace:
            process, line = line.rstrip("\n").split(maxsplit=1)
            if line.startswith(("---", "+++")):
                continue
            if line.endswith("<unfinished ...>"):
                begun[process] = line.removesuffix(" <unfinished ...>"), writes
                continue
            writes_before = writes
            if line.startswith("<... "):
                begin, writes_before = begun.pop(process)
                line = begin + line.split("resumed>", 1)[1]
            name, line = line.split("(", 1)
            arguments, result = line.rsplit(" = ", 1)
            call = Call(name, arguments.rstrip().removesuffix(")"), result)
            about = [os.path.join(os.getcwd(), os.fsdecode(text)) for text in call.strings if name not in WRITES]
            if result.startswith("-1") or not any(pathlib.Path(path).is_relative_to(folder) for path in call.descriptors + about):
                continue
            writes += name in WRITES
            being_written = any(text.split("(")[0] in WRITES and inside in text for text, _ in begun.values())
            if name in ("fsync", "fdatasync") and (being_written or writes != writes_before):
                sys.exit(f"not understood: something is written during {call}")
            yield call


class File:
    """What storage has, and what was done since it was flushed: (offset, bytes) or (size, None)."""

    def __init__(self, content=b""):
        self.durable = bytes(content)
        self.pending = []

    def content(self, block, reached):
        """When of each block, and of the size, which is None, the first reached(number) changes were stored."""
        content = bytearray(self.durable)
        for index, (offset, data) in enumerate(self.pending):
            if data is None:
                if reached(None) > index:
                    del content[offset:]
                    content.extend(bytes(offset - len(content)))
                continue
            for number in range(offset // block, -(-(offset + len(data)) // block)):
                if reached(number) <= index:
                    continue
                begin, end = max(number * block, offset), min((number + 1) * block, offset + len(data))
                content.extend(bytes(max(0, end - len(content))))
                content[begin:end] = data[begin - offset:end - offset]
        return bytes(content)

    def cached(self):
        return self.content(1 << 30, lambda number: len(self.pending))

    def flush(self):
        self.durable, self.pending = self.cached(), []


class Disk:
    def __init__(self, folder):
        self.folder = folder
        self.durable = {str(path): File(path.read_bytes()) for path in folder.rglob("*") if path.is_file()}
        self.pending = []  # what became of names: {name: File or None}
        self.last = None   # the file that was written last

    def names(self, kept=None):
        """After those of the pending changes that are kept."""
        names = dict(self.durable)
        for index, change in enumerate(self.pending):
            if kept is None or kept[index]:
                names.update(change)
        return {name: file for name, file in names.items() if file is not None}

    def carry_out(self, call):
        self.last = None
        method = getattr(self, "call_" + call.name, None)
        if method is None:
            sys.exit(f"not understood: {call}")
        method(call)

    def path(self, name):
        return os.path.join(os.getcwd(), os.fsdecode(name))

    def file(self, call):
        return self.names()[call.descriptors[0]]

    def written(self, call, offset):
        [data] = call.strings
        if int(call.result) != len(data):
            sys.exit(f"not understood: only a part was written: {call}")
        self.last = self.file(call)
        self.last.pending.append((offset, data))

    def call_pwrite64(self, call):
        self.written(call, int(call.arguments.rsplit(", ", 1)[1]))

    def call_pwritev2(self, call):
        _, offset, flags = call.arguments.rsplit(", ", 2)
        if flags != "0":  # none of these commands writes so that it is durable at once
            sys.exit(f"not understood: {call}")
        self.written(call, int(offset))

    def call_ftruncate(self, call):
        self.last = self.file(call)
        self.last.pending.append((int(call.arguments.rsplit(", ", 1)[1]), None))

    def call_openat(self, call):
        if "O_TRUNC" in call.arguments or "O_TMPFILE" in call.arguments:
            sys.exit(f"not understood: {call}")
        name = self.path(call.strings[0])
        if "O_CREAT" in call.arguments and name not in self.names():
            self.pending.append({name: File()})

    def call_fsync(self, call):
        path = call.descriptors[0]
        if os.path.isdir(path):
            flushed = [change for change in self.pending if all(os.path.dirname(name) == path for name in change)]
            self.pending = [change for change in self.pending if change not in flushed]
            for change in flushed:
                self.durable.update(change)
        else:
            self.file(call).flush()

    call_fdatasync = call_fsync

    def call_rename(self, call):
        from_name, to_name = (self.path(name) for name in call.strings)
        self.pending.append({to_name: self.names()[from_name], from_name: None})

    call_renameat2 = call_rename

    def call_unlink(self, call):
        self.pending.append({self.path(call.strings[0]): None})

    # The tests read everything as root, and who owns a file does not become durable before its name.
    def call_fchmod(self, call):
        pass

    call_fchown = call_fchmod


def some(items):
    """All of them, or the first, the last and every so many in between."""
    items = list(items)
    if len(items) <= 16:
        return items
    return items[:4] + items[4:-4:len(items) // 8] + items[-4:]


def states(disk):
    """(description, {name: content}) of what a power cut now may leave."""
    def state(kept, content):
        names = disk.names(kept)
        return {name: content(file) for name, file in names.items()}

    subsets = list(itertools.product((True, False), repeat=len(disk.pending)))[:32]
    for kept in subsets:
        lost = ", names lost: " + str(kept.count(False)) if False in kept else ""
        yield "all" + lost, state(kept, File.cached)
        yield "nothing" + lost, state(kept, lambda file: file.durable)
    for size in 512, 4096:
        for share in 0.1, 0.5, 0.9:
            def reached(file):
                number_of = {}  # once for each block
                count = len(file.pending)
                return lambda block: number_of.setdefault(
                    block, count if random.random() < share else random.randrange(count))
            yield f"{share} of blocks of {size}", state(random.choice(subsets), lambda file: file.content(size, reached(file)))
        if disk.last is None or disk.last.pending[-1][1] is None:
            continue
        offset, data = disk.last.pending[-1]
        for torn in some(range(offset // size + 1, -(-(offset + len(data)) // size))):
            def reached_before(file):
                count = len(file.pending)
                return lambda block: count if file is not disk.last or block is None or block < torn else count - 1
            yield f"torn before block {torn} of {size}", state(None, lambda file: file.content(size, reached_before(file)))


def put(state, folder, into):
    shutil.rmtree(into, ignore_errors=True)
    shutil.copytree(folder, into, ignore=lambda at, names: [name for name in names if not os.path.isdir(os.path.join(at, name))])
    for name, content in state.items():
        path = into / pathlib.Path(name).relative_to(folder)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)


def main():
    folder, into = (pathlib.Path(name) for name in sys.argv[1:3])
    random.seed(1)
    disk = Disk(folder)
    calls = list(record(folder, sys.argv[3:]))
    if not any(call.name.startswith("pwrite") for call in calls):
        sys.exit("nothing was written")
    seen, count = set(), 0
    for number, call in enumerate(calls, 1):
        disk.carry_out(call)
        if call.name == "fdatasync":
            seen.clear()  # what was a right state before may be one no more
        for what, state in states(disk):
            which = hash(frozenset(state.items()))
            if which in seen:
                continue
            seen.add(which)
            count += 1
            put(state, folder, into)
            print(f"after {number} of {len(calls)} calls ({call.name}): {what}", flush=True)
            if not sys.stdin.readline():
                sys.exit("the test has ended")
    left = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    if {name: file.cached() for name, file in disk.names().items()} != left:
        sys.exit("the record does not have everything that was changed")
    if any(file.pending for file in disk.names().values()) or disk.pending:
        sys.exit("the command ended before all of it was flushed")
    print(f"done {count}")


main()
