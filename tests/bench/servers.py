"""The servers that are compared."""

import contextlib
import dataclasses
import os
import pathlib
import subprocess
import tempfile
import time

import nbd
from measures import AGAIN, BASE

root = pathlib.Path(__file__).resolve().parents[2]
build = pathlib.Path(os.environ.get("LUKSDETACHED_BUILD", root / "build"))
program = build / "server/luksdetached"
plugin = build / "plugin/nbdkit-luksdetached-plugin.so"
ENDS_WITH_US = ("setpriv", "--pdeathsig", "TERM")


@dataclasses.dataclass(frozen=True)
class Service:
    """`luksdetached serve`, whose config says where it listens."""

    config: str
    socket: str
    export: str


class Server:
    """One that runs: a Service, or a command with {socket} where the name of its socket belongs."""

    def __init__(self, folder, command):
        own = tempfile.mkdtemp(dir=folder, prefix="server.")
        if isinstance(command, Service):
            self.socket, self.export = command.socket, command.export
            arguments = [*ENDS_WITH_US, program, "serve", command.config]
        else:
            self.socket, self.export = f"{own}/sock", ""
            arguments = [str(one).replace("{socket}", self.socket) for one in command]
        self.uri = f"nbd+unix:///{self.export}?socket={self.socket}"
        self.log = open(f"{own}/log", "w+b")
        self.begin = time.monotonic()
        self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def first_byte(self):
        """Waits until it serves; returns the seconds since its start."""
        try:
            nbd.first_byte(self.socket, self.process, self.export)
        except RuntimeError as error:
            self.log.seek(0)
            raise SystemExit(f"{error}\n{self.log.read().decode(errors='replace')}") from error
        return time.monotonic() - self.begin

    def cpu_seconds(self):
        """What all its threads have used of the processors, those that are gone too: clock_getcpuclockid(3)."""
        return time.clock_gettime((~self.process.pid << 3) | 2)

    def resident_mebibytes(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("no VmRSS")

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


@contextlib.contextmanager
def running(folder, command):
    server = Server(folder, command)
    try:
        yield server
    finally:
        server.stop()


def nbdkit(*arguments, threads=None):
    command = ["nbdkit", "-f", "--exit-with-parent", "-U", "{socket}"]
    return [*command, *([] if threads is None else ["-t", threads]), *arguments]


def nbdkit_file(volumes, threads=None):
    return nbdkit("file", volumes.plain, threads=threads)


def nbdkit_luks(volumes, image, threads=None):
    return nbdkit("--filter=luks", "file", image, f"passphrase=+{volumes.secret}", threads=threads)


def luksdetached(volumes, header, payload, threads=None):
    return nbdkit(plugin, f"header={header}", f"payload={payload}", f"secret={volumes.secret}", threads=threads)


def luksdetached_serve(volumes, name, threads=None):
    header, payload = volumes.luks2_cheap(name, 4096)
    socket, export = f"{volumes.folder}/{name}.sock", "vm"
    config = volumes.new(
        f"{name}.toml",
        f'[service]\nlisten = ["unix:{socket}"]\nstatus = "{volumes.folder}/{name}-status.sock"\n'
        f"{f'threads = {threads}' if threads else ''}\n"
        f'[[export]]\nname = "{export}"\nheader = "{header}"\npayload = "{payload}"\n'
        f'secret = "{volumes.secret}"\n'.encode(),
    )
    return Service(config, socket, export)


def qemu_nbd(*arguments):
    options = ["--persistent", "--shared=16", "--cache=writeback", "--socket={socket}"]
    return [*ENDS_WITH_US, "qemu-nbd", *options, *arguments]


def qemu_luks(volumes, image):
    """Options for any of QEMU's programs."""
    secret = f"secret,id=secret,file={volumes.secret}"
    return ["--object", secret, "--image-opts", f"driver=luks,key-secret=secret,file.driver=file,file.filename={image}"]


def all_servers(volumes, threads=None):
    """Commands by name. Who writes to the same file writes the same to it."""
    with_4096 = volumes.luks2_cheap("sectors-4096", 4096)
    with_512 = volumes.luks2_cheap("sectors-512", 512)
    return {
        BASE: nbdkit_file(volumes, threads),
        "luksdetached": luksdetached(volumes, *with_4096, threads),
        AGAIN: nbdkit_file(volumes, threads),
        "luksdetached, 512 B sectors": luksdetached(volumes, *with_512, threads),
        "luksdetached serve": luksdetached_serve(volumes, "service", threads),
        "nbdkit luks filter": nbdkit_luks(volumes, volumes.luks1, threads),
        "qemu-nbd luks": qemu_nbd(*qemu_luks(volumes, volumes.luks1)),
        "qemu-nbd raw": qemu_nbd("-f", "raw", volumes.plain),
    }
