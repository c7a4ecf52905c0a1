"""Servers over unix sockets, with what they serve in a tmpfs: how fast, and at what cost."""

import contextlib
import functools
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
            for workload in self.workloads():
                with lock():
                    for who in order:
                        for what, unit, value in workload(started[who]):
                            measures.add(f"{SECTION}/{what}", unit, who, value)

    def workloads(self):
        """Each measures one server: names, units and values."""
        for what in ("read", "write"):
            for connections in (1, 4):
                yield functools.partial(self.sequential, what, connections)
        for depth in (1, 32):
            for what in ("read", "write"):
                yield functools.partial(self.random, what, depth)

    def sequential(self, what, connections, server):
        ends = [server.uri, "null:"] if what == "read" else ["--flush", self.volumes.noise, server.uri]
        before = server.cpu_seconds()
        seconds = nbdcopy(f"--connections={connections}", *ends)
        used = server.cpu_seconds() - before
        which = f"sequential {what}, {connections} connection" + ("s" if connections > 1 else "")
        yield which, "MiB/s", self.mebibytes / seconds
        yield f"server CPU for 1 GiB, {which}", "s", used * 1024 / self.mebibytes

    def random(self, what, depth, server):
        command = [
            "fio", "--name=bench", "--ioengine=nbd", f"--uri={server.uri}", f"--rw=rand{what}", "--bs=4k",
            f"--iodepth={depth}", f"--size={self.volumes.bytes}", "--norandommap", "--time_based",
            f"--runtime={int(self.settings.seconds * 1000)}ms", "--output-format=json",
        ]  # fmt: skip
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=self.volumes.folder).stdout
        job = json.loads(said[said.index(b"{") :])["jobs"][0]
        yield f"4 KiB random {what}, QD{depth}", "1000/s", job[what]["iops"] / 1000
