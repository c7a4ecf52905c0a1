"""The service, its config and its clients of service-soak: exports come, go and change while clients use them.

--folder holds VOLUME.header and VOLUME.secret of each of --volumes, payloads/N, and gets plain/N.plain, what
export N holds at the end. The service's command comes after --.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import signal
import socket
import statistics
import subprocess
import sys
import time

# The last fifth of the time may have this much more than the second one.
GROWTH, GROWTH_KIB = 1.05, 2048
# One export in so many has its payload on an NBD server, to which the service keeps connections.
BEHIND_SERVER = 5


class Export:
    def __init__(self, number):
        self.number, self.is_present, self.read_only, self.renamed = number, True, False, 0

    @property
    def name(self):
        return f"export-{self.number}" + (f"-{self.renamed}" if self.renamed else "")


class Soak:
    def __init__(self, arguments):
        self.arguments, self.folder = arguments, pathlib.Path(arguments.folder)
        self.config, self.log = self.folder / "config.toml", self.folder / "service.log"
        self.exports = [Export(number) for number in range(arguments.exports)]
        self.volumes = arguments.volumes.split()
        self.counts = collections.Counter()
        self.samples = []  # of each moment under load: (fifth, what)
        self.at_rest = []
        self.seconds = []  # that changes took

    # ---- the config and the service ----

    def text(self, service_lines=""):
        lines = [f'[service]\nlisten = ["unix:{self.folder}/nbd.sock"]\nstatus = "{self.folder}/status.sock"\n']
        lines.append(service_lines)
        for one in self.exports:
            if not one.is_present:
                continue
            volume = self.folder / self.volumes[one.number % len(self.volumes)]
            payload = f"{self.folder}/payloads/{one.number}"
            if one.number % BEHIND_SERVER == 0:
                payload = f"nbd+unix:///{one.number}?socket={self.arguments.payload_socket}"
            lines.append(f'[[export]]\nname = "{one.name}"\nheader = "{volume}.header"\npayload = "{payload}"\n')
            lines.append(f'secret = "{volume}.secret"\nreadonly = {str(one.read_only).lower()}\n')
        return "".join(lines)

    def write_config(self, text):
        new = self.folder / "config.new"
        new.write_text(text)
        new.rename(self.config)

    def command(self, *words):
        return subprocess.run(
            [self.arguments.program, *words, self.config], stdin=subprocess.DEVNULL, capture_output=True, text=True
        )

    def status(self):
        # Asked directly: the command reads the config first, which may be broken.
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.folder / "status.sock"))
            connection.sendall(b"status\n")
            return json.loads(b"".join(iter(lambda: connection.recv(1 << 16), b"")))

    def reload(self, expected=0):
        """Has the service follow the config, in one of the two ways."""
        before = self.status()["reloads"]
        if random.random() < 0.5:
            self.counts["reload"] += 1
            done = self.command("reload")
            if done.returncode != expected:
                self.fail(f"reload: status {done.returncode} instead of {expected}: {done.stderr}")
            return
        self.counts["SIGHUP"] += 1
        self.service.send_signal(signal.SIGHUP)
        status = self.eventually("SIGHUP is followed", self.status, lambda said: said["reloads"] > before)
        if ("reload-error" in status) != (expected != 0):
            self.fail(f"SIGHUP: {status.get('reload-error', 'a broken config was followed')}")

    def wait_until_settled(self):
        """Exactly the exports that are asked for are open."""
        wanted = {(one.name, not one.read_only) for one in self.exports if one.is_present}

        def is_settled(status):
            open_ones = {(one["name"], one["writable"]) for one in status["exports"] if one["state"] == "open"}
            return open_ones == wanted and len(status["exports"]) == len(wanted)

        return self.eventually("the exports are those of the config", self.status, is_settled)

    def eventually(self, what, look, is_good, seconds=120):
        limit = time.monotonic() + seconds
        while True:
            if self.service.poll() is not None:
                self.fail(f"the service ended with {self.service.returncode}")
            try:
                found = look()
                if is_good(found):
                    return found
            except (ConnectionError, FileNotFoundError):
                found = "no service answers"
            if time.monotonic() > limit:
                self.fail(f"never came true: {what}: {json.dumps(found)[:2000]}")
            time.sleep(0.02)

    def fail(self, why):
        tail = self.log.read_text(errors="replace").splitlines()[-20:]
        sys.exit("\n".join(["FAIL: " + why, "the service's log ends with:", *tail]))

    # ---- the clients ----

    def tell(self, *words):
        print(*words, file=self.clients.stdin, flush=True)
        self.expect_ok()

    def expect_ok(self):
        answer = self.clients.stdout.readline().split()
        if answer != ["ok", "0"]:
            time.sleep(1)  # for the reasons of others
            self.fail(f"clients have something to complain of (above): {answer}")

    def tell_changed(self, exports):
        for one in exports:
            if one.is_present:
                self.tell("open", one.number, one.name, "ro" if one.read_only else "rw")
            else:
                self.tell("absent", one.number)

    # ---- what happens ----

    def change(self, exports, how):
        """Exports become what `how` makes of them."""
        for one in exports:
            self.tell("change", one.number)
            how(one)
        begin = time.monotonic()
        self.write_config(self.text())
        self.reload()
        self.wait_until_settled()
        self.seconds.append(time.monotonic() - begin)
        self.tell_changed(exports)

    def change_some(self):
        def how(one):
            what = random.choice(["remove", "read-only", "rename"]) if one.is_present else "add"
            self.counts[what] += 1
            if what in ("remove", "add"):
                one.is_present = not one.is_present
            elif what == "read-only":
                one.read_only = not one.read_only
            else:
                one.renamed += 1

        some = [one for one in self.exports[1:] if random.random() < 0.05]
        self.change(some or [self.exports[-1]], how)

    def break_config(self):
        good = self.text()
        text, expected = random.choice(
            [
                (good + "[[export", 2),
                (good + "keyslot = 99\n", 2),
                (good + "color = 1\n", 2),
                (good + '[[export]]\nname = "more"\n', 2),
                (good.replace("payload = ", "payloads = ", 1), 2),
                (good[: len(good) // 2] + "\0", 2),
                ("", 2),
                (self.text("threads = 3\n"), 1),
            ]
        )
        before = {one["name"] for one in self.status()["exports"]}
        self.write_config(text)
        self.reload(expected)
        self.counts["broken configs"] += 1
        self.write_config(good)
        if {one["name"] for one in self.status()["exports"]} != before:
            self.fail("a broken config changed the exports")
        self.wait_until_settled()

    def sample(self):
        process = pathlib.Path(f"/proc/{self.service.pid}")
        fields = {}
        for name in ("status", "smaps_rollup"):
            for line in (process / name).read_text().splitlines():
                words = line.split()
                if len(words) > 1 and words[1].isdigit():
                    fields[words[0]] = int(words[1])
        return {
            "resident, KiB": fields["VmRSS:"],
            "private, KiB": fields["Private_Dirty:"] + fields["Private_Clean:"],
            "locked, KiB": fields["VmLck:"],
            "threads": fields["Threads:"],
            "descriptors": len(os.listdir(process / "fd")),
        }

    def rest(self):
        """All exports, no clients: what the service keeps then."""

        def mend(one):
            one.is_present, one.read_only = True, False

        self.change([one for one in self.exports if not one.is_present or one.read_only], mend)
        self.tell("rest")
        self.eventually(
            "no client is there", self.status, lambda said: all(one["clients"] == 0 for one in said["exports"])
        )
        # The threads of connections end a little later.
        threads = self.at_rest[0]["threads"] if self.at_rest else self.sample()["threads"]
        self.eventually("threads of clients end", self.sample, lambda found: found["threads"] <= threads)
        self.at_rest.append(self.sample())

    def run(self):
        self.write_config(self.text())
        with open(self.log, "w") as log:
            self.service = subprocess.Popen(
                [*self.arguments.service, self.config], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            self.wait_until_settled()
            numbers = [str(self.arguments.exports), str(1 << 20), str(self.arguments.clients)]
            self.clients = subprocess.Popen(
                [self.arguments.clients_program, f"{self.folder}/nbd.sock", *numbers],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
            try:
                self.load()
                return self.finish()
            finally:
                self.clients.kill()
        finally:
            self.service.terminate()
            if self.service.wait() != 0:
                self.fail(f"the service ended with {self.service.returncode}")

    def load(self):
        self.tell_changed(self.exports)
        self.tell("clear")
        self.rest()
        seconds = self.arguments.minutes * 60 / 5
        for fifth in range(5):
            self.tell("run")
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                if random.random() < 0.2:
                    self.break_config()
                else:
                    self.change_some()
                self.samples.append((fifth, self.sample()))
                time.sleep(random.random() / 2)
            self.rest()

    def finish(self):
        """Everything is there, also for who comes now; what was not answered has come true or not."""

        def rename(one):
            one.renamed += 1

        self.change(self.exports, rename)
        self.tell("check", self.folder / "plain")
        self.clients.stdin.close()
        done = json.loads(self.clients.stdout.read())
        if self.clients.wait() != 0:
            self.fail("clients have something to complain of (above)")
        return done


def judge(soak, is_sanitized):
    """Prints what the service took, and says whether it grew."""
    grown = []
    print(f"{'under load, medians':24}{'2nd fifth':>12}{'last fifth':>12}{'most':>12}")
    for what in soak.samples[0][1]:
        of_fifth = [[one[what] for fifth, one in soak.samples if fifth == wanted] for wanted in (1, 4)]
        second, last = (statistics.median(values) for values in of_fifth)
        most = max(one[what] for _, one in soak.samples)
        print(f"{what:24}{second:12.0f}{last:12.0f}{most:12}")
        # A sanitizer's own memory grows with what it remembers.
        if "KiB" in what and not is_sanitized and last > second * GROWTH + GROWTH_KIB:
            grown.append(what + " under load")
    print(f"{'at rest, no clients':24}{'first':>12}{'2nd':>12}{'last':>12}")
    for what in soak.at_rest[0]:
        first, second, last = (soak.at_rest[i][what] for i in (0, 1, -1))
        print(f"{what:24}{first:12}{second:12}{last:12}")
        if what in ("descriptors", "threads", "locked, KiB") and len({one[what] for one in soak.at_rest}) != 1:
            grown.append(f"{what} at rest ({[one[what] for one in soak.at_rest]})")
    if grown:
        sys.exit("FAIL: these grew: " + ", ".join(grown))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("folder", "volumes", "payload-socket", "program", "clients-program"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--exports", type=int, required=True)
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("service", nargs="+")
    arguments = parser.parse_args()
    seed = random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    random.seed(seed)
    soak = Soak(arguments)
    done = soak.run()
    print(f"{arguments.exports} exports, {arguments.clients} clients, {arguments.minutes:g} minutes")
    for counts in (dict(soak.counts), done):
        print(", ".join(f"{what} {count}" for what, count in counts.items()))
    print(f"a change took {statistics.median(soak.seconds):.2f} s, {max(soak.seconds):.2f} s at most")
    refusals = [line for line in soak.log.read_text().splitlines() if "is refused to clients" in line]
    print(f"{len(refusals)} exports could not be opened at first", *refusals[:1], sep="\n")
    judge(soak, is_sanitized="LUKSDETACHED_PRELOAD" in os.environ)


main()
