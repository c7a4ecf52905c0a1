"""Where and with what something was measured."""

import datetime
import os
import pathlib
import re
import subprocess

import servers

FEATURES = ("aes", "vaes", "vpclmulqdq", "avx2", "avx512f", "sha_ni")
PACKAGES = (
    "nbdkit", "libnbd-bin", "qemu-utils", "cryptsetup-bin", "fio", "libcrypto++8", "libcrypto++8t64", "libssl3", "libssl3t64", "libgcrypt20",
    "libargon2-1", "libbenchmark1debian",
)  # fmt: skip


def said(*command):
    """What a program prints, if there is such a program."""
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.strip()
    except FileNotFoundError:
        return ""


def describe():
    info = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*: (.*)", info, re.M)
    family = re.search(r"^cpu family\s*: (\d+)\nmodel\s*: (\d+)", info, re.M)
    flags = re.search(r"^flags\s*: (.*)", info, re.M)
    memory = re.search(r"^MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text(), re.M)
    versions = said("dpkg-query", "-W", "-f", "${Package} ${Version}\n", *PACKAGES)
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": said("git", "-C", str(servers.root), "describe", "--always", "--dirty"),
        "cpu": (model[1] if model else "unknown") + (f", family {family[1]} model {family[2]}" if family else ""),
        "features": [one for one in FEATURES if flags and one in flags[1].split()],
        "cores": os.cpu_count(),
        "memory": f"{int(memory[1]) / (1 << 20):.0f} GiB",
        "kernel": os.uname().release,
        "versions": dict(line.split(" ", 1) for line in versions.splitlines()),
    }
