"""How long a secret takes to open a volume: whole programs, from their start to their end."""

import os
import resource
import subprocess
import time

import servers
from measures import shuffled

SECTION = "unlock"
EMPTY = 1 << 20  # bytes of content: nobody reads it


def cpu_seconds():
    """Of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def seconds(command):
    """How long it takes, and how much of the processors."""
    begin, before = time.monotonic(), cpu_seconds()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return time.monotonic() - begin, cpu_seconds() - before


class Unlock:
    def __init__(self, volumes, settings):
        self.volumes = volumes
        iterations, memory = settings.pbkdf2_iterations, settings.argon2_mebibytes
        lanes = min(4, os.cpu_count())
        luks1 = volumes.luks1_image("unlock-luks1.img", EMPTY, iterations)
        pbkdf2 = volumes.luks2(
            "unlock-pbkdf2", EMPTY, "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", str(iterations)
        )
        argon2 = volumes.luks2(
            "unlock-argon2", EMPTY, "--pbkdf", "argon2id", "--pbkdf-memory", str(memory << 10),
            "--pbkdf-parallel", str(lanes), "--pbkdf-force-iterations", "4",
        )  # fmt: skip
        read = ["qemu-io", "--read-only", "--cmd", "read 0 512", *servers.qemu_luks(volumes, luks1)]
        self.commands = {
            f"PBKDF2-SHA256 with {iterations} iterations, LUKS2": {
                "luksdetached": self.ours(pbkdf2[0]),
                "cryptsetup": self.cryptsetup("--header", *pbkdf2),
            },
            f"PBKDF2-SHA256 with {iterations} iterations, LUKS1": {
                "luksdetached": self.ours(luks1),
                "cryptsetup": self.cryptsetup(luks1),
                "QEMU": read,
            },
            f"Argon2id with {memory} MiB, LUKS2": {
                "luksdetached": self.ours(argon2[0]),
                "cryptsetup": self.cryptsetup("--header", *argon2),
            },
        }

    def ours(self, header):
        return [servers.program, "test", "--secret", self.volumes.secret, header]

    def cryptsetup(self, *volume):
        return ["cryptsetup", "open", "--test-passphrase", "--key-file", self.volumes.secret, *volume]

    def round(self, turn, measures, lock):
        for what, commands in self.commands.items():
            order = shuffled(commands, turn)
            with lock():
                for who in order:
                    whole, used = seconds(commands[who])
                    measures.add(f"{SECTION}/{what}", "s", who, whole)
                    measures.add(f"{SECTION}/CPU for {what}", "s", who, used)
