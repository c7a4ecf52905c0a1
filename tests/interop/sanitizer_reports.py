"""sanitizer_reports.py FILE…: shows the sanitizers' reports that count; exits 1 if there are any.

One thing does not count: nbdkit told to stop while it is still closing connections leaves what belongs
to them, on purpose, and with it the plugin's handles, whose close it then never calls. LeakSanitizer's
suppressions cannot tell that from leaks of ours, because nbdkit stands in every stack.
"""

import re
import sys

ALLOCATOR = re.compile(r" in (__interceptor_\w+|operator new\S*|calloc|malloc|realloc|strdup)\b")
NBDKIT = re.compile(r"\(/\S*/nbdkit\+0x")


def of_open_connections(leak):
    """Did nbdkit itself allocate it, or is it a handle that only nbdkit's own memory refers to?"""
    kind, *frames = leak.strip().splitlines()
    frames = [frame for frame in frames if re.match(r"\s+#\d", frame)]
    while frames and ALLOCATOR.search(frames[0]):
        frames.pop(0)
    if not frames:
        return False
    if NBDKIT.search(frames[0]):
        return True
    # Of the plugins only those of nbdkit's own are unloaded by then.
    handle = "<unknown module>" in frames[0] or any("on_open" in frame for frame in frames[:3])
    return kind.startswith("Indirect") and handle


def counts(report):
    if "ERROR: LeakSanitizer" not in report or report.count("ERROR: ") != 1:
        return True
    leaks = [part for part in report.split("\n\n") if re.match(r"\s*(Direct|Indirect) leak", part)]
    return not leaks or not all(of_open_connections(leak) for leak in leaks)


def main(paths):
    found = False
    for path in paths:
        with open(path, errors="replace") as file:
            report = file.read()
        if counts(report):
            found = True
            print(f"a sanitizer report, {path}:\n{report[:12000]}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
