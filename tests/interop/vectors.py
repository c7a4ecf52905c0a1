"""vectors.py GROUP: the known-answer volumes of shared/vectors, through the plugin.

They were made by cryptsetup and written through the kernel's dm-crypt or by QEMU; see the folder's
README.md for what each case means. GROUP is one of
  open-file   cases that must open, header and payload as files
  open-nbd    the same, each on an NBD server
  refuse      cases that must be refused, and those where a policy decides
Every case is tried whatever the others do; the list of results is the last thing printed.
Exits 77 when the folder is absent: $LUKSDETACHED_VECTORS, or ../shared/vectors beside the project.
"""

import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import nbd

import sanitizer_reports

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("LUKSDETACHED_BUILD", HERE / "../../build"))
PLUGIN = BUILD / "plugin/nbdkit-luksdetached-plugin.so"
VECTORS = pathlib.Path(os.environ.get("LUKSDETACHED_VECTORS") or HERE / "../../../shared/vectors")

# Words of a refusal for each reason: different failures have different messages.
REASONS = {
    "area-outside": r"area|outside|overlap|beyond|key ?slot",
    "bad-base64": r"base64|salt",
    "bad-checksum": r"checksum|damaged",
    "bad-iterations": r"iteration",
    "bad-json": r"json|metadata|segment|digest|config|offset|key ?slot",
    "bad-key-bytes": r"key",
    "bad-key-size": r"key",
    "bad-keyslot-state": r"key ?slot",
    "bad-magic": r"luks",
    "bad-number": r"offset|size|number|area|segment",
    "bad-sector-size": r"sector",
    "bad-stripes": r"stripes",
    "bad-version": r"version",
    "cipher-null": r"null",
    "duplicate-key": r"twice|duplicate|repeat|more than once",
    "iv-tweak": r"iv_tweak",
    "key-material-past-eof": r"truncat|short|end|beyond|cut|past|outside",
    "keyslot-overlap": r"overlap|key ?slot|key material",
    "no-digest": r"digest",
    "no-keyslot": r"key ?slot",
    "payload-too-small": r"payload.*(small|short|empty|end|beyond|whole|at least|bytes)",
    "reencryption-in-progress": r"reencrypt",
    "truncated-header": r"truncat|short|empty|ends|cut|bytes",
    "unknown-keyslot": r"key ?slot",
    "unknown-requirement": r"requirement",
    "unsupported-cipher": r"cipher|encryption",
    "unsupported-hash": r"hash",
    "unsupported-integrity": r"integrity|aead|authenticated",
    "unsupported-segment": r"segment",
    "unterminated-string": r"terminat|cipher|NUL",
    "wrong-passphrase": r"(secret|key ?slot).*(match|open|unlock)|(match|open|unlock).*(secret|key ?slot)",
}


class Failed(Exception):
    """A case did not do what it must."""


class Nbdkit:
    """An nbdkit in the foreground; the plugin under test gets the sanitizer's runtime."""

    def __init__(self, work, name, arguments, under_test=False):
        self.socket = work / f"{name}.sock"
        self.log = work / f"{name}.log"
        self.pid_file = work / f"{name}.pid"
        launch = []
        preload = os.environ.get("LUKSDETACHED_PRELOAD")
        if under_test and preload:
            report = f"log_path={work}/sanitizer:exitcode=99"
            launch = [
                *os.environ.get("LUKSDETACHED_WRAP", "").split(),
                "env",
                f"LD_PRELOAD={preload}",
                f"ASAN_OPTIONS={report}:detect_leaks=1",
                "LSAN_OPTIONS=exitcode=0",  # sanitizer_reports looks at each leak
                f"UBSAN_OPTIONS={report}:print_stacktrace=1",
                f"TSAN_OPTIONS={report}:suppressions={HERE}/tsan.supp",
            ]
        for leftover in (self.socket, self.pid_file):
            leftover.unlink(missing_ok=True)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [*launch, "nbdkit", "-f", "--exit-with-parent", "-U", self.socket, "-P", self.pid_file,
                 *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )

    def serves(self):
        """True once it serves, False if it ended instead."""
        limit = time.monotonic() + 120
        while time.monotonic() < limit:
            if self.pid_file.exists() and self.pid_file.stat().st_size > 0:
                return True
            if self.process.poll() is not None:
                return False
            time.sleep(0.01)
        raise Failed("neither serves nor ends in 120 seconds")

    def said(self):
        return self.log.read_text(errors="replace").strip()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


class Case:
    def __init__(self, folder, work):
        self.facts = json.loads((folder / "case.json").read_text())
        self.name = self.facts["name"]
        self.expect = self.facts["expect"]
        self.folder = folder
        self.work = work / self.name
        self.work.mkdir()
        # Copies: the plugin may write where it must not, and has to be caught at it.
        self.header = self.work / "header.img"
        self.payload = self.work / "payload.img"
        shutil.copyfile(folder / "header.img", self.header)
        if "payload_parts" in self.facts:
            with open(self.payload, "wb") as file:
                file.truncate(self.facts["payload_bytes"])
                for part in self.facts["payload_parts"]:
                    file.seek(part["offset"])
                    file.write((folder / part["file"]).read_bytes())
        else:
            shutil.copyfile(folder / "payload.img", self.payload)
        self.before = self.fingerprint()

    def fingerprint(self):
        """Hashes of header and payload; of a sparse payload its parts alone."""
        hashes = [hashlib.sha256(self.header.read_bytes()).hexdigest()]
        if "payload_parts" in self.facts:
            with open(self.payload, "rb") as file:
                for part in self.facts["payload_parts"]:
                    file.seek(part["offset"])
                    hashes.append(hashlib.sha256(file.read(part["length"])).hexdigest())
            hashes.append(self.payload.stat().st_blocks)
        else:
            hashes.append(hashlib.sha256(self.payload.read_bytes()).hexdigest())
        return hashes

    def attempts(self):
        """(secret's entry, further parameters, whether it must open) for each way to try it."""
        for secret in self.facts["secrets"]:
            parameters = [f"secret={self.folder / secret['file']}"]
            for key, parameter in (("keyfile_offset", "secret-offset"), ("keyfile_size", "secret-size")):
                if key in secret:
                    parameters.append(f"{parameter}={secret[key]}")
            opens = secret["expect"] == "open" and self.expect == "open"
            yield secret, parameters, opens
            if "keyslot" in secret and self.expect == "open":
                # A slot with priority "ignore" opens when it is asked for; an unbound one never does.
                asked = opens or "priority ignore" in secret.get("note", "")
                yield secret, [*parameters, f"keyslot={secret['keyslot']}"], asked
                others = [k["id"] for k in self.facts.get("keyslots", []) if k["id"] != secret["keyslot"]]
                if others:
                    yield secret, [*parameters, f"keyslot={others[0]}"], False

    def start(self, sources, parameters):
        return Nbdkit(
            self.work, "plugin",
            [PLUGIN, f"header={sources[0]}", f"payload={sources[1]}", *parameters],
            under_test=True,
        )

    def check_untouched(self):
        if self.fingerprint() != self.before:
            raise Failed("header or payload changed")
        if sanitizer_reports.main(self.work.glob("sanitizer.*")):
            raise Failed("a sanitizer report, see above")


def check_content(facts, socket):
    handle = nbd.NBD()
    handle.connect_unix(str(socket))
    try:
        size = handle.get_size()
        if size != facts["size"]:
            raise Failed(f"size {size} instead of {facts['size']}")
        wanted = [(probe["offset"], probe["length"], probe["sha256"]) for probe in facts.get("probes", [])]
        if not wanted and not facts.get("sha256"):
            raise Failed("nothing to compare with")
        for offset, length, digest in wanted:
            if hashlib.sha256(handle.pread(length, offset)).hexdigest() != digest:
                raise Failed(f"wrong data in probe {offset}+{length}")
        if facts.get("sha256"):
            whole = hashlib.sha256()
            for offset in range(0, size, 1 << 20):
                whole.update(handle.pread(min(1 << 20, size - offset), offset))
            if whole.hexdigest() != facts["sha256"]:
                raise Failed("wrong data")
    finally:
        handle.shutdown()


def check_refusal(case, server, pattern):
    """What a refusal looks like; returns its message."""
    status = server.process.wait()
    said = server.said()
    if status != 1:
        raise Failed(f"status {status}: {said}")
    lines = [line for line in said.splitlines() if not re.match(r"nbdkit: (.*: )?warning", line)]
    if len(lines) != 1 or not re.match(r"nbdkit: (.*: )?error: .", lines[0]):
        raise Failed(f"not one error line: {said}")
    if pattern and not re.search(pattern, lines[0], re.IGNORECASE):
        raise Failed(f"does not say /{pattern}/: {lines[0]}")
    if server.socket.exists() or server.pid_file.exists():
        raise Failed("left a socket or pid file")
    case.check_untouched()
    return re.sub(r"^nbdkit: (.*?: )?error: ", "", lines[0]).replace(str(case.work), "").replace(str(case.folder), "")


def must_open(case, sources):
    """Every secret of a case that must open. An uncommon cipher may be refused, never garbled."""
    required = case.expect != "open-or-refuse"
    answers = []
    for secret, parameters, opens in case.attempts():
        what = f"{secret['file']} {' '.join(parameters[1:])}".strip()
        server = case.start(sources, parameters)
        if server.serves():
            try:
                if not opens and required:
                    raise Failed(f"{what}: opens but must not")
                check_content(case.facts, server.socket)
            finally:
                status = server.stop()
            if status != 0:
                raise Failed(f"{what}: ended with status {status}: {server.said()}")
            if case.facts.get("reason") == "recovered" and "m2-secondary" not in case.name \
                    and not re.search("warning", server.said(), re.IGNORECASE):
                raise Failed("served from a damaged header without a warning")
            case.check_untouched()
            answers.append("opens")
        elif opens and required:
            raise Failed(f"{what}: refused: {server.said()}")
        else:
            pattern = REASONS["wrong-passphrase"] + "|key ?slot" if required else "support"
            message = check_refusal(case, server, pattern)
            answers.append("refused" if required else f"refused: {message}")
    return ", ".join(answers)


def must_refuse(case):
    sources = (case.header, case.payload)
    server = case.start(sources, next(iter(case.attempts()))[1])
    if server.serves():
        server.stop()
        raise Failed("serves but must not")
    return check_refusal(case, server, REASONS.get(case.facts["reason"]))


def over_nbd(case):
    """Header and payload each on a server of its own; gives their URIs and the servers."""
    servers = [
        Nbdkit(case.work, "header", ["-r", "file", case.header]),
        Nbdkit(case.work, "payload", ["file", case.payload]),
    ]
    for server in servers:
        if not server.serves():
            raise Failed("a source's server does not start: " + server.said())
    return tuple(f"nbd+unix:///?socket={server.socket}" for server in servers), servers


def run(case, group):
    if group == "refuse":
        # The one policy case that opens: whole sectors are served, the rest is warned about.
        if case.name == "m2-payload-4096-tail":
            case.expect = "open"
            answer = must_open(case, (case.header, case.payload))
            if "512" not in case.work.joinpath("plugin.log").read_text():
                raise Failed("no warning about the 512 bytes that are not served")
            return answer
        return must_refuse(case)
    if group == "open-file":
        return must_open(case, (case.header, case.payload))
    sources, servers = over_nbd(case)
    try:
        return must_open(case, sources)
    finally:
        for server in servers:
            server.stop()


def main(group):
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    os.environ["LC_ALL"] = "C"
    if not (VECTORS / "index.json").exists():
        print(f"SKIP: no known-answer volumes in {VECTORS} (set LUKSDETACHED_VECTORS)")
        return 77
    names = [entry["name"] for entry in json.loads((VECTORS / "index.json").read_text())["cases"]]
    wanted = {"refuse": ("refuse", "policy")}.get(group, ("open", "open-or-refuse"))
    results = []
    with tempfile.TemporaryDirectory(prefix="luksdetached-vectors.") as work:
        for name in names:
            facts = json.loads((VECTORS / name / "case.json").read_text())
            if facts["expect"] not in wanted:
                continue
            case = Case(VECTORS / name, pathlib.Path(work))
            begin = time.monotonic()
            try:
                result = ("ok", run(case, group))
            except (Failed, nbd.Error, OSError, subprocess.TimeoutExpired) as error:
                result = ("FAIL", f"{type(error).__name__}: {error}")
            results.append((name, *result, time.monotonic() - begin))
            shutil.rmtree(case.work)
    for name, verdict, answer, seconds in results:
        print(f"{verdict:4} {name:36} {seconds:5.1f}s  {answer}")
    failed = [name for name, verdict, *_ in results if verdict != "ok"]
    print(f"{len(results) - len(failed)} of {len(results)} cases are right")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in ("open-file", "open-nbd", "refuse"):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
