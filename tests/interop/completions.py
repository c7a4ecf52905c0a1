"""completions.py SHELL: what bash, zsh or fish offers, with the completions as they are installed.

Every command, option and choice that --help names is offered, and files where a value can be one.
"""

import os
import pathlib
import pty
import re
import select
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("LUKSDETACHED_BUILD", HERE / "../../build")).resolve()

# What --help calls values that nobody but the user knows. All others are files or choices.
UNKNOWN_VALUES = {"BITS", "K", "KIB", "MILLISECONDS", "N", "NAME", "SIZE", "TEXT", "UUID"}


class TypedShell:
    """A shell on a terminal, which somebody types on."""

    def __init__(self, command, environment, setup, all_matches):
        self.all_matches = all_matches  # the key that inserts all that fits
        process, self.terminal = pty.fork()
        if process == 0:
            os.execvpe(command[0], command, environment)
        # What a command line has become; the quotes keep the terminal's echo from being the answer.
        self.enter("put() { printf '%s\n' \"$@\" >../answer; echo 'answer'ed; }")
        self.enter("PS1='READY''> '")
        for line in setup:
            self.enter(line)
        self.enter("put")
        self.wait()

    def enter(self, line):
        os.write(self.terminal, line.encode() + b"\r")

    def wait(self):
        seen = b""
        # Keys that come before the prompt are no keys for the shell.
        while not re.search(rb"answered\r.*READY> ", seen, re.S):
            ready, _, _ = select.select([self.terminal], [], [], 60)
            assert ready, f"no answer, but {seen!r}"
            seen += os.read(self.terminal, 4096)

    def offers(self, line):
        self.enter(line + self.all_matches + "\x01put ")  # Ctrl-A: before the line
        self.wait()
        return pathlib.Path("../answer").read_text().splitlines()[len(line.split(" ")) - 1 :]


class Bash(TypedShell):
    def __init__(self, root, environment):
        super().__init__(["bash", "--norc", "-i"], environment,
                         [". /usr/share/bash-completion/bash_completion"], "\x1b*")


class Zsh(TypedShell):
    def __init__(self, root, environment):
        super().__init__(["zsh", "-f", "-i"], environment, [
            f"fpath+=({root}/usr/local/share/zsh/site-functions)",
            "autoload -U compinit",
            "compinit -u -D",
            "bindkey -e",
            "zle -C all-matches complete-word _generic",
            "zstyle ':completion:all-matches:*' completer _all_matches _complete",
            "zstyle ':completion:all-matches:*' insert yes",
            "bindkey '^Xa' all-matches"], "\x18a")


class Fish:
    def __init__(self, root, environment):
        self.environment = environment

    def offers(self, line):
        answer = subprocess.run(["fish", "--command", "complete --do-complete $argv", line], check=True,
                                stdout=subprocess.PIPE, text=True, env=self.environment)
        return [offer.split("\t")[0] for offer in answer.stdout.splitlines()]


def help_of(command):
    """Its commands, and its options with what their values are called."""
    text = subprocess.run(["luksdetached", *command, "--help"], check=True, stdout=subprocess.PIPE,
                          text=True).stdout
    options = dict(re.findall(r"^  (?:-\w,)?(--[\w-]+)(?: (\S+))?(?:  |$)", text, re.M))
    commands = text.partition("\nSubcommands:\n")[2]
    return re.findall(r"^  (\w+)  ", commands, re.M), options


def all_commands(command=()):
    children, options = help_of(command)
    yield command, children, options
    for child in children:
        yield from all_commands((*command, child))


mistakes = []


def expect(shell, line, expected):
    offers = shell.offers(line)
    if sorted(offers) != sorted(expected):
        mistakes.append(f"{line!r}: offers {offers}, expected {expected}")


def check_all(shell):
    files = ["folder/" if isinstance(shell, Fish) else "folder", "header.img", "the secret"]
    values = {}
    for command, children, options in all_commands():
        line = " ".join(["luksdetached", *command, ""])
        if children:
            expect(shell, line, children)
        expect(shell, line + "--", options)
        for option, value in options.items():
            values.setdefault(value, line + option + " ")
    values.pop("", None)
    assert {"SECRET", "URI", "ignore|normal|prefer", "N"} <= values.keys(), values
    for value, line in values.items():
        if value in UNKNOWN_VALUES:
            expect(shell, line, [])
        elif value.startswith("+FILE"):
            expect(shell, line, ["+" + file for file in files])
        elif value.isupper():
            expect(shell, line, files)
        else:
            expect(shell, line, value.split("|"))
    expect(shell, "luksdetached inspect ", files)
    expect(shell, "luksdetached inspect --json hea", ["header.img"])
    expect(shell, "luksdetached key list header.img --j", ["--json"])
    expect(shell, "luksdetached create --header=hea", ["--header=header.img"])
    expect(shell, "luksdetached create --passphrase=+the", ["--passphrase=+the secret"])
    expect(shell, "luksdetached create --sector-size=5", ["--sector-size=512"])


with tempfile.TemporaryDirectory() as folder:
    root = pathlib.Path(folder) / "root"
    subprocess.run(["cmake", "--install", BUILD, "--prefix", "/usr/local"], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "DESTDIR": str(root)})
    os.environ["PATH"] = f"{root}/usr/local/bin:{os.environ['PATH']}"
    here = pathlib.Path(folder) / "here"
    (here / "folder").mkdir(parents=True)
    for name in "header.img", "the secret":
        (here / name).touch()
    os.chdir(here)
    kinds = {"bash": Bash, "zsh": Zsh, "fish": Fish}
    check_all(kinds[sys.argv[1]](root, {
        **os.environ, "HOME": folder, "TERM": "dumb", "LC_ALL": "C.UTF-8",
        "XDG_DATA_DIRS": f"{root}/usr/local/share:/usr/share"}))
print("\n".join(mistakes) or "everything is offered")
sys.exit(bool(mistakes))
