#!/usr/bin/python3
"""Runs clang-tidy on the sources of the named folders that a build knows: tidy.py BUILD FOLDER...

A source is looked at again only when it, a header it includes, its flags or the rules changed: a
file under BUILD/tidy-cache, named by a hash of all that, says that it was clean.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

CLANG_TIDY = "clang-tidy-16"
ROOT = pathlib.Path(__file__).resolve().parents[2]


def included_files(build):
    """What each object file depends on, as ninja recorded it."""
    listing = subprocess.run(["ninja", "-C", build, "-t", "deps"], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    files, current = {}, None
    for line in listing.splitlines():
        if line.startswith("    "):
            current.append(line.strip())
        elif match := re.match(r"(\S+): #deps \d+.*\(VALID\)", line):
            current = files.setdefault(match[1], [])
        else:
            current = []
    return files


def sources(build, folders):
    """(source, object, command) of each translation unit in the folders."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = pathlib.Path(entry["directory"], entry["file"])
        if source.suffix != ".S" and any(source.is_relative_to(ROOT / f) for f in folders):
            arguments = shlex.split(entry["command"])
            yield source, arguments[arguments.index("-o") + 1], entry["command"]


def fingerprint(build, source, depends, command, rules, hashes):
    """A hash of all that decides what clang-tidy says; None when that is not known."""
    if not depends:
        return None
    total = hashlib.sha256(rules)
    total.update(f"{source}\0{command}\0".encode())
    for name in depends:
        path = os.path.join(build, name)
        if path not in hashes:
            hashes[path] = hashlib.sha256(pathlib.Path(path).read_bytes()).digest()
        total.update(hashes[path])
    return total.hexdigest()


def run_tidy(build, source):
    return subprocess.run(
        [CLANG_TIDY, "-p", build, "--quiet", "--extra-arg=-Wno-unknown-warning-option", source],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    cache = build / "tidy-cache"
    cache.mkdir(exist_ok=True)
    version = subprocess.run([CLANG_TIDY, "--version"], check=True, stdout=subprocess.PIPE).stdout
    rules = (ROOT / ".clang-tidy").read_bytes() + version
    depends, hashes, todo, units = included_files(build), {}, [], 0
    for source, output, command in sources(build, sys.argv[2:]):
        units += 1
        key = fingerprint(build, source, depends.get(output), command, rules, hashes)
        if key is None or not (cache / key).exists():
            todo.append((source, key))

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        runs = [(source, key, pool.submit(run_tidy, build, source)) for source, key in todo]
        for source, key, run in runs:
            result = run.result()
            if result.returncode == 0:
                if key is not None:
                    (cache / key).touch()
                continue
            failed += 1
            # Its standard error has findings only where clang-tidy itself could not go on.
            print(result.stdout or result.stderr, end="", flush=True)
    print(f"{units} sources, {len(todo)} looked at, {failed} with findings")
    return 1 if failed or units == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
