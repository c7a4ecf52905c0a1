"""Runs the commands of a document, in a shell on a terminal, and compares what they print with what it shows.

Commands are the ```sh blocks of a .md file, and the verbatim paragraphs of one section of a .pod file. What they
print is the ```text block that follows, or the verbatim paragraphs that are indented by four blanks or more.
A command that fails fails the run, and so does output that is not what is shown, except for what varies (below).
Output that is not shown may be anything, unless the document promises all of it (--all-output).
--update writes the output of this run into the document instead.
"""

import argparse
import os
import pathlib
import pty
import re
import select
import subprocess
import sys
import termios
from dataclasses import dataclass

# Where a reader does it. The folder of the run is shown as this one.
SHOWN_FOLDER = "/home/user/volumes"

# What is another one each time, on each machine: none of it is what a document promises.
VARIES = [
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID"),
    (r"\b[0-9a-f]{64}\b", "SHA-256"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
    (r"\b\d{8}T\d{6}Z", "TIME"),
    (r"\b\d+(\.\d+)? sec(onds?)?\b", "SECONDS"),
    (r"\b\d+ pass(es)? over \d+ [KMG]iB, \d+ lanes?", "COST"),
    (r"\b\d+ iterations", "COST"),
    (r"\b\d+(\.\d+)? ([KMG]iB|ops)/sec\b", "RATE"),
    (r"\b\d+ requests", "REQUESTS"),
    (r"\bprocess \d+\b", "PROCESS"),
    (r"\b(vaes512|vaes|aes-ni|cryptopp)\b", "KERNEL"),
    (r"/home/user/volumes", "FOLDER"),
    # Columns are as wide as what is in them, rules as the columns.
    (r"(?<=\S)  +", "  "),
    (r"-{4,}", "----"),
]


def constant(text):
    """The text without what varies, as lines."""
    for pattern, name in VARIES:
        text = re.sub(pattern, name, text)
    return [line.rstrip() for line in text.strip("\n").splitlines()]


@dataclass
class Step:
    """Commands, and the lines [first, last) of the document that show what they print; none if first is last."""

    line: int
    commands: str
    first: int
    last: int
    shown: str | None


def markdown_steps(lines):
    steps, start, language = [], None, None
    for number, line in enumerate(lines):
        if start is None:
            if line.startswith("```"):
                start, language = number + 1, line[3:].strip()
        elif line == "```":
            content = "\n".join(lines[start:number])
            if language == "sh":
                steps.append(Step(start + 1, content, number + 1, number + 1, None))
            elif language == "text" and steps and not "".join(lines[steps[-1].last : start - 1]).strip():
                # Directly behind its commands.
                steps[-1].first, steps[-1].last, steps[-1].shown = start - 1, number + 1, content
            start = None
    return steps


def pod_steps(lines, section):
    begin = lines.index("=head1 " + section) + 1
    end = next((n for n in range(begin, len(lines)) if lines[n].startswith("=head1 ")), len(lines))
    paragraphs, steps = [], []
    number = begin
    while number < end:
        last = number
        while last < end and lines[last]:
            last += 1
        if last > number:
            paragraphs.append((number, last))
        number = last + 1
    kind_before = "prose"
    for first, last in paragraphs:
        content = lines[first:last]
        kind = "prose"
        if content[0].startswith(" "):
            kind = "output" if all(line.startswith("    ") for line in content) else "commands"
        if kind == "commands":
            text = "\n".join(line.removeprefix(" ") for line in content)
            if kind_before == "commands":
                steps[-1].commands += "\n\n" + text
                steps[-1].first = steps[-1].last = last
            else:
                steps.append(Step(first + 1, text, last, last, None))
        elif kind == "output":
            text = "\n".join(line.removeprefix("    ") for line in content)
            if kind_before == "output":
                steps[-1].shown += "\n\n" + text
            else:
                steps[-1].first, steps[-1].shown = first, text
            steps[-1].last = last
        kind_before = kind
    return steps


def seen_on_a_terminal(text):
    """What stays of the lines: a progress bar writes over itself."""
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    return "\n".join(line.rsplit("\r", 1)[-1].rstrip() for line in text.split("\n"))


def run(steps):
    """The exit status of the shell, and what each step printed, as far as it came."""
    mark = "@@step@@"
    script = ["set -euo pipefail"]
    for step in steps:
        script += [f"printf '%s\\n' {mark}", step.commands]
    script.append(f"printf '%s\\n' {mark}")
    terminal, slave = pty.openpty()
    attributes = termios.tcgetattr(slave)
    attributes[1] &= ~termios.OPOST  # newlines as they are
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    termios.tcsetwinsize(slave, (50, 160))
    shell = subprocess.Popen(
        ["bash", "-c", "\n".join(script)], stdin=subprocess.DEVNULL, stdout=slave, stderr=slave
    )
    os.close(slave)
    said = b""
    while True:
        ended = shell.poll() is not None
        if select.select([terminal], [], [], 0 if ended else 0.1)[0]:
            try:
                part = os.read(terminal, 65536)
            except OSError:  # nobody has the terminal any more
                part = b""
            said += part
            if part:
                continue
            shell.wait()
            break
        if ended:
            break
    os.close(terminal)
    text = seen_on_a_terminal(said.decode(errors="replace"))
    parts = text.replace(os.getcwd(), SHOWN_FOLDER).split(mark + "\n")
    return shell.returncode, [part.strip("\n") for part in parts[1:]]


def updated(lines, is_pod, results):
    """The document with what was printed."""
    for step, said in reversed(results):
        if step.shown is None:
            continue
        if is_pod:
            text = [("    " + line).rstrip() for line in said.split("\n")]
        else:
            text = ["```text", *said.split("\n"), "```"]
        lines[step.first : step.last] = text
    return lines


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("document", type=pathlib.Path)
    arguments.add_argument("--section", default="EXAMPLES", help="of a .pod file")
    arguments.add_argument("--all-output", action="store_true")
    arguments.add_argument("--update", action="store_true")
    arguments.add_argument("--replace", action="append", default=[], metavar="OLD=NEW", help="in commands")
    given = arguments.parse_args()

    lines = given.document.read_text().split("\n")
    is_pod = given.document.suffix == ".pod"
    steps = pod_steps(lines, given.section) if is_pod else markdown_steps(lines)
    if not steps:
        sys.exit(f"{given.document} has no commands")
    pairs = [pair.split("=", 1) for pair in given.replace]
    for step in steps:
        for old, new in pairs:
            step.commands = step.commands.replace(old, new)

    status, parts = run(steps)
    for old, new in pairs:
        parts = [part.replace(new, old) for part in parts]
    wrong = 0
    for step, said in zip(steps, parts):
        print(f"-- {given.document.name}:{step.line}\n{step.commands}\n-- prints\n{said}")
        if step.shown is None:
            if said and given.all_output:
                print(f"FAIL: {given.document.name}:{step.line}: this output is not shown")
                wrong += 1
        elif constant(step.shown) != constant(said) and not given.update:
            print(f"FAIL: {given.document.name}:{step.first + 1} shows something else:\n{step.shown}")
            wrong += 1
    if status != 0 or len(parts) != len(steps) + 1:
        print(f"FAIL: {given.document.name}:{steps[max(len(parts), 1) - 1].line}: a command ended with {status}")
        wrong += 1
    elif given.update:
        given.document.write_text("\n".join(updated(lines, is_pod, list(zip(steps, parts)))))
    print(f"-- {len(steps)} blocks of commands in {given.document.name}, {sum(s.shown is not None for s in steps)} with output")
    sys.exit(wrong != 0)


if __name__ == "__main__":
    main()
