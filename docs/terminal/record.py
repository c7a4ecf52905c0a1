#!/usr/bin/python3
"""Pictures of luksdetached at work, for README: record.py [--check FOLDER] runs the program in a terminal and
writes inspect.svg, encrypt.svg (which moves) and status.svg beside this file, or with --check into FOLDER, and
then compares the words of both. The program is the one in PATH; nothing is left behind.
"""

import argparse
import fcntl
import html
import os
import pathlib
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import time

import pyte

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "tests" / "interop"))
import transcript  # noqa: E402

FOLDER = b"/srv"  # what that of the run is shown as
ROWS = 40
CHARACTER, LINE, MARGIN = 8.4, 19, 16  # pixels
PATIENCE = 0.8  # seconds that a picture stands still at most, but at its end
END = 4.0
MOST_FRAMES = 30

PREPARE = """
umask 077
mkdir files
echo 'meet me at noon' > files/letter
truncate -s 1G disk.img
mke2fs -q -t ext4 -d files disk.img
head -c 64 /dev/urandom > secret
head -c 64 /dev/urandom > other
"""
BEFORE_INSPECT = """
luksdetached key add header.img --secret secret --new-secret other --pbkdf pbkdf2 --pbkdf-force-iterations 200000
"""
BEFORE_STATUS = """
for name in vm2 vm3; do
  luksdetached create --header $name.header --payload $name.payload --payload-size 8G --secret secret
done
cat >service.toml <<CONFIG
[service]
listen = ["unix:$PWD/nbd.sock"]
status = "$PWD/status.sock"
[[export]]
name = "vm1"
header = "$PWD/header.img"
payload = "$PWD/payload.img"
secret = "$PWD/secret"
[[export]]
name = "vm2"
header = "$PWD/vm2.header"
payload = "$PWD/vm2.payload"
secret = "$PWD/secret"
readonly = true
[[export]]
name = "vm3"
header = "$PWD/vm3.header"
payload = "$PWD/vm3.payload"
secret = "$PWD/other"
CONFIG
"""
WHILE_SERVED = """
timeout 60 sh -c 'until luksdetached healthcheck service.toml 2>/dev/null; do sleep 0.2; done'
timeout 60 sh -c 'while luksdetached status service.toml | grep -q waiting; do sleep 0.2; done'
nbdcopy 'nbd+unix:///vm1?socket=nbd.sock' null:
"""


def shell(commands):
    subprocess.run(["bash", "-euo", "pipefail", "-c", commands], check=True, stdin=subprocess.DEVNULL)


class Recording:
    """What a terminal showed: a list of (seconds, lines), where a frame stands until the next one."""

    def __init__(self, command, columns):
        self.columns = columns
        self.screen = pyte.Screen(columns, ROWS)
        self.stream = pyte.ByteStream(self.screen)
        self.frames = []
        self.clock = 0.0
        self.folder = os.getcwd().encode()
        self.show(b"$ " + command.encode() + b"\r\n")
        self.run(command)

    def run(self, command):
        child, terminal = pty.fork()
        if child == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, self.columns, 0, 0))
            os.execvp("bash", ["bash", "-c", command])
        last = time.monotonic()
        while True:
            try:
                said = os.read(terminal, 65536)
            except OSError:  # the command has ended
                break
            if not said:
                break
            now = time.monotonic()
            self.clock += min(now - last, PATIENCE)
            last = now
            # One frame for each state of a progress bar.
            for part in re.split(rb"(?=\r(?!\n))", said):
                self.show(part)
        os.close(terminal)
        if os.waitpid(child, 0)[1] != 0:
            sys.exit(f"{command} failed:\n" + "\n".join(self.frames[-1][1]))

    def show(self, said):
        self.stream.feed(said.replace(self.folder, FOLDER))
        lines = [line.rstrip() for line in self.screen.display]
        while lines and not lines[-1]:
            lines.pop()
        if not self.frames or self.frames[-1][1] != lines:
            self.frames.append((self.clock, lines))


def thinned(frames):
    """Some of the frames, evenly in time, with the last one, and with the first of each progress bar."""
    end = frames[-1][0]
    kept, due, begins = [], 0.0, None
    for seconds, lines in frames[:-1]:
        words_before, begins = begins, [line.split()[:1] for line in lines]
        if seconds >= due or begins != words_before:
            kept.append((seconds, lines))
            due = seconds + end / MOST_FRAMES
    return kept + [frames[-1]]


def svg(columns, frames):
    rows = max(len(lines) for _, lines in frames)
    last = frames[-1][1] + [""] * rows
    width, height = columns * CHARACTER + 2 * MARGIN, rows * LINE + 2 * MARGIN
    duration = frames[-1][0] + END

    def text(row, line, inside=""):
        style = ' class="typed"' if line.startswith("$ ") else ""
        return (
            f'<text x="{MARGIN}" y="{MARGIN + row * LINE + 14}" textLength="{len(line) * CHARACTER:.1f}"'
            f'{style}{" visibility=" + chr(34) + "hidden" + chr(34) if inside and line != last[row] else ""}>'
            f"{html.escape(line, quote=False)}{inside}</text>"
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}">',
        "<!-- made by docs/terminal/record.py -->",
        "<style>text{font:14px monospace;fill:#d8dee9}.typed{fill:#a3be8c}</style>",
        f'<rect width="{width:.0f}" height="{height}" rx="8" fill="#1e222a"/>',
    ]
    for row in range(rows):
        # From when on the row shows what.
        shown = []
        for seconds, lines in frames:
            line = lines[row] if row < len(lines) else ""
            if not shown or shown[-1][1] != line:
                shown.append((seconds, line))
        if len(shown) == 1:
            if shown[0][1]:
                parts.append(text(row, shown[0][1]))
            continue
        for number, (begin, line) in enumerate(shown):
            if not line:
                continue
            end = shown[number + 1][0] if number + 1 < len(shown) else duration
            times, values = [0.0], ["visible" if begin == 0 else "hidden"]
            for moment, value in (begin, "visible"), (end, "hidden"):
                if 0 < moment < duration:
                    times.append(moment)
                    values.append(value)
            key_times = ";".join(f"{moment / duration:.4f}" for moment in times)
            parts.append(
                text(
                    row,
                    line,
                    f'<animate attributeName="visibility" calcMode="discrete" dur="{duration:.2f}s" '
                    f'repeatCount="indefinite" keyTimes="{key_times}" values="{";".join(values)}"/>',
                )
            )
    return "\n".join(parts + ["</svg>", ""])


def words(picture):
    """What the picture says, once, without what varies."""
    lines = [html.unescape(line) for line in re.findall(r"<text[^>]*>([^<]*)", picture)]
    # A progress bar, wherever it is.
    lines = [re.sub(r" +\d+% \[[#.]*\] .* of ([\d.]+ [KMG]iB), .*", r" BAR of \1", line) for line in lines]
    return list(dict.fromkeys(transcript.constant("\n".join(lines))))


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", type=pathlib.Path, metavar="FOLDER")
    given = arguments.parse_args()
    target = (given.check or HERE).resolve()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            shell(PREPARE)
            encrypt = Recording("luksdetached encrypt disk.img --header header.img --payload payload.img --secret secret", 104)
            shell(BEFORE_INSPECT)
            inspect = Recording("luksdetached inspect header.img", 132)
            shell(BEFORE_STATUS)
            with open("service.log", "w") as log:
                service = subprocess.Popen(["luksdetached", "serve", "service.toml"], stderr=log)
            try:
                shell(WHILE_SERVED)
                status = Recording("luksdetached status service.toml", 160)
            finally:
                service.terminate()
                service.wait()
        finally:
            os.chdir("/")
    pictures = {
        "encrypt.svg": svg(encrypt.columns, thinned(encrypt.frames)),
        "inspect.svg": svg(inspect.columns, inspect.frames[-1:]),
        "status.svg": svg(status.columns, status.frames[-1:]),
    }
    stale = 0
    for name, picture in pictures.items():
        (target / name).write_text(picture)
        if given.check:
            committed, now = words((HERE / name).read_text()), words(picture)
            print(*now, sep="\n")
            if committed != now:
                print(f"FAIL: docs/terminal/{name} has other words; run docs/terminal/record.py:", *committed, sep="\n")
                stale += 1
    sys.exit(stale != 0)


if __name__ == "__main__":
    main()
