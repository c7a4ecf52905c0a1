"""Sector ciphers and key derivation, ours and the libraries', by crypto_bench (Google Benchmark)."""

import json
import subprocess

import servers
from goals import ROOFLINE

SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1}
WIDTHS = ("vaesenc 512 bit", "vaesenc 256 bit", "aesenc 128 bit")


def add_results(said, measures):
    """One run of crypto_bench, in its JSON."""
    fastest = {}
    # They ran in another order.
    for one in sorted(said["benchmarks"], key=lambda one: (one["family_index"], one["per_family_instance_index"])):
        name = one["name"].removesuffix("/real_time")
        if one.get("error_occurred"):
            raise SystemExit(f"{name}: {one['error_message']}")
        measure, _, who = name.rpartition("/")
        if "bytes_per_second" in one:
            unit, value = "GB/s", one["bytes_per_second"] / 1e9
        elif "Argon2" in measure:
            unit, value = "s", one["real_time"] * SECONDS[one["time_unit"]]
        else:
            unit, value = "million iterations/s", one["items_per_second"] / 1e6
        measures.add(measure, unit, who, value)
        if who in WIDTHS:
            fastest[measure] = max(value, fastest.get(measure, 0))
    # The limit is that of the width by which these units do most.
    for measure, value in fastest.items():
        measures.add(measure, "GB/s", ROOFLINE, value)


class Crypto:
    """One section of crypto_bench: kernels or kdfs."""

    def __init__(self, section, settings):
        self.section, self.settings = section, settings
        self.kernel = None

    def round(self, _turn, measures, lock):
        for part in self.settings.crypto_parts[self.section]:
            command = [
                servers.build / "tests/bench/crypto_bench", "--benchmark_format=json",
                f"--benchmark_filter=^{self.section}/{part}", f"--benchmark_min_time={self.settings.min_time}",
                "--benchmark_enable_random_interleaving=true",
            ]  # fmt: skip
            with lock():
                said = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
            self.kernel = said["context"]["aes_xts_kernel"]
            add_results(said, measures)
