"""From the start of a server to the first sector that a client has, with a key derivation that costs next to nothing; and
how much memory it takes then, with clients that do nothing."""

import contextlib

import nbd
import servers
from measures import AGAIN, BASE

SECTION = "start"
CONNECTIONS = 16
EXPORT = "vm"


class Start:
    def __init__(self, volumes, settings):
        self.volumes = volumes
        header, payload = volumes.luks2_cheap("start", 4096)
        config = volumes.new(
            "config.toml",
            f'[service]\nlisten = ["unix:{volumes.folder}/service.sock"]\nstatus = "{volumes.folder}/status.sock"\n'
            f'[[export]]\nname = "{EXPORT}"\nheader = "{header}"\npayload = "{payload}"\n'
            f'secret = "{volumes.secret}"\n'.encode(),
        )
        self.commands = {
            BASE: servers.nbdkit_file(volumes),
            "luksdetached": servers.luksdetached(volumes, header, payload),
            AGAIN: servers.nbdkit_file(volumes),
            "luksdetached serve": [servers.program, "serve", config],
            "nbdkit luks filter": servers.nbdkit_luks(volumes, volumes.luks1),
            "qemu-nbd luks": servers.qemu_nbd(*servers.qemu_luks(volumes, volumes.luks1)),
        }

    def round(self, turn, measures, lock):
        order = list(self.commands)
        order = order[turn % len(order) :] + order[: turn % len(order)]
        with lock():
            for who in order:
                self.start(who, measures)

    def start(self, who, measures):
        with servers.running(self.volumes.folder, self.commands[who]) as server:
            if who == "luksdetached serve":
                server.socket, server.export = f"{self.volumes.folder}/service.sock", EXPORT
            measures.add(f"{SECTION}/first byte served", "ms", who, server.first_byte() * 1000)
            with contextlib.ExitStack() as stack:
                for _ in range(CONNECTIONS):
                    stack.enter_context(contextlib.closing(nbd.Client(server.socket, server.export)))
                memory = server.resident_mebibytes()
            measures.add(f"{SECTION}/resident memory, {CONNECTIONS} connections idle", "MiB", who, memory)
