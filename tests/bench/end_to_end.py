"""Servers over unix sockets, with what they serve in a tmpfs: how fast, and at what cost."""

import contextlib
import json
import subprocess
import time

import servers
from measures import rotated

SECTION = "end-to-end"


def nbdcopy(*arguments):
    begin = time.monotonic()
    subprocess.run(["nbdcopy", *arguments], check=True)
    return time.monotonic() - begin


class EndToEnd:
    def __init__(self, volumes, settings):
        self.volumes, self.settings = volumes, settings
        self.commands = servers.all_servers(volumes, settings.threads)
        self.mebibytes = volumes.bytes / (1 << 20)

    @contextlib.contextmanager
    def all_running(self):
        with contextlib.ExitStack() as stack:
            started = {
                who: stack.enter_context(servers.running(self.volumes.folder, command))
                for who, command in self.commands.items()
            }
            for server in started.values():
                server.first_byte()
            yield started

    def fill_and_check(self):
        """Every server is given the content, and has to return it, also where another one wrote it."""
        with self.all_running() as started:
            for who, server in started.items():
                nbdcopy(self.volumes.noise, server.uri)
        with self.all_running() as started:
            for who, server in started.items():
                with subprocess.Popen(["nbdcopy", server.uri, "-"], stdout=subprocess.PIPE) as reader:
                    same = subprocess.run(["cmp", "-", self.volumes.noise], stdin=reader.stdout)
                if same.returncode or reader.returncode:
                    raise SystemExit(f"{who} returns something else than what was written")

    def round(self, turn, measures, lock):
        """Each workload with one server after the other, another one first each time."""
        with self.all_running() as started:
            order = rotated(started, turn)
            for workload in (self.sequential_read_1, self.sequential_read_4, self.sequential_write, *self.random()):
                with lock():
                    for who in order:
                        for what, unit, value in workload(started[who]):
                            measures.add(f"{SECTION}/{what}", unit, who, value)

    def sequential_read_1(self, server):
        before = server.cpu_seconds()
        seconds = nbdcopy("--connections=1", server.uri, "null:")
        used = server.cpu_seconds() - before
        yield "sequential read, 1 connection", "MiB/s", self.mebibytes / seconds
        yield "server CPU for 1 GiB read, 1 connection", "s", used * 1024 / self.mebibytes

    def sequential_read_4(self, server):
        yield "sequential read, 4 connections", "MiB/s", self.mebibytes / nbdcopy("--connections=4", server.uri, "null:")

    def sequential_write(self, server):
        before = server.cpu_seconds()
        seconds = nbdcopy("--flush", "--connections=4", self.volumes.noise, server.uri)
        used = server.cpu_seconds() - before
        yield "sequential write, 4 connections", "MiB/s", self.mebibytes / seconds
        yield "server CPU for 1 GiB written, 4 connections", "s", used * 1024 / self.mebibytes

    def random(self):
        for depth in (1, 32):
            for what in ("read", "write"):
                yield lambda server, what=what, depth=depth: self.fio(server, what, depth)

    def fio(self, server, what, depth):
        command = [
            "fio", "--name=bench", "--ioengine=nbd", f"--uri={server.uri}", f"--rw=rand{what}", "--bs=4k",
            f"--iodepth={depth}", f"--size={self.volumes.bytes}", "--norandommap", "--time_based",
            f"--runtime={int(self.settings.seconds * 1000)}ms", "--output-format=json",
        ]  # fmt: skip
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=self.volumes.folder).stdout
        job = json.loads(said[said.index(b"{") :])["jobs"][0]
        yield f"4 KiB random {what}, QD{depth}", "1000/s", job[what]["iops"] / 1000
