"""From the start of a server to the first sector that a client has, with a key derivation that costs next to nothing;
and how much memory it takes then, with clients that do nothing."""

import contextlib

import nbd
import servers
from measures import AGAIN, BASE, shuffled

SECTION = "start"
CONNECTIONS = 16


class Start:
    def __init__(self, volumes, settings):
        self.volumes = volumes
        header, payload = volumes.luks2_cheap("start", 4096)
        self.commands = {
            BASE: servers.nbdkit_file(volumes, settings.threads),
            "luksdetached": servers.luksdetached(volumes, header, payload, settings.threads),
            AGAIN: servers.nbdkit_file(volumes, settings.threads),
            "luksdetached serve": servers.luksdetached_serve(volumes, "start-service", settings.threads),
            "nbdkit luks filter": servers.nbdkit_luks(volumes, volumes.luks1, settings.threads),
            "qemu-nbd luks": servers.qemu_nbd(*servers.qemu_luks(volumes, volumes.luks1)),
        }

    def round(self, turn, measures, lock):
        order = shuffled(self.commands, turn)
        with lock():
            for who in order:
                self.start(who, measures)

    def start(self, who, measures):
        with servers.running(self.volumes.folder, self.commands[who]) as server:
            measures.add(f"{SECTION}/first byte served", "ms", who, server.first_byte() * 1000)
            with contextlib.ExitStack() as stack:
                for _ in range(CONNECTIONS):
                    stack.enter_context(contextlib.closing(nbd.Client(server.socket, server.export)))
                memory = server.resident_mebibytes()
            measures.add(f"{SECTION}/resident memory, {CONNECTIONS} connections idle", "MiB", who, memory)
