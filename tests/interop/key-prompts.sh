#!/bin/bash
# On a terminal passphrases are asked for, new ones twice, and none is shown; Ctrl-C changes nothing and leaves
# a terminal that echoes.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"

printf 'correct horse' >"$tmp/two.secret"
make_luks2 two 256K
new_secret wrong
header=$tmp/two.header

cat >"$tmp/terminal.py" <<'END'
"""terminal.py ANSWER... -- COMMAND...: gives one answer at each prompt; exits as the command does. The answer
^C is that key. In the end the terminal echoes."""
import fcntl, os, pty, sys, termios
answers = sys.argv[1:sys.argv.index("--")]
command = sys.argv[len(answers) + 2:]
master, terminal = pty.openpty()
child = os.fork()
if child == 0:
    os.setsid()
    os.close(master)
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for number in 0, 1, 2:
        os.dup2(terminal, number)
    os.execv(command[0], command)
said = b""
for answer in answers:
    while not said.endswith((b"passphrase: ", b"again: ")):
        said += os.read(master, 1)
    assert not termios.tcgetattr(terminal)[3] & termios.ECHO, "the terminal echoes"
    said += b"\n"
    os.write(master, b"\x03" if answer == "^C" else answer.encode() + b"\n")
status = os.waitpid(child, 0)[1]
assert termios.tcgetattr(terminal)[3] & termios.ECHO, "the terminal does not echo any more"
os.set_blocking(master, False)
try:
    while more := os.read(master, 4096):
        said += more
except OSError:
    pass
sys.stdout.write(said.decode())
code = os.waitstatus_to_exitcode(status)
sys.exit(128 - code if code < 0 else code)
END
# asked STATUS ANSWER… -- ARGUMENT…
asked() {
  local status=$1 answers=()
  shift
  while [ "$1" != -- ]; do
    answers+=("$1")
    shift
  done
  exits "$status" /usr/bin/python3 "$tmp/terminal.py" "${answers[@]}" -- "$program" "${@:2}"
  if grep -Eq 'horse|staple|battery' "$tmp/said"; then fail "a passphrase was shown: $(cat "$tmp/said")"; fi
}

note "the old passphrase, and the new one twice"
asked 0 'correct horse' 'battery staple' 'battery staple' -- key add "$header" "${cheap_keyslot[@]}"
says '^passphrase: '
says '^new passphrase: '
says '^the same again: '
printf 'battery staple' >"$tmp/new"
chmod 600 "$tmp/new"
opens "$header" "$tmp/new"

before=$(sha256sum "$header")
note "not the same; wrong"
asked 2 'battery staple' 'horse 1' 'horse 2' -- key change "$header" "${cheap_keyslot[@]}"
says 'are not the same; nothing was changed'
asked 3 'not this horse' -- key change "$header" "${cheap_keyslot[@]}"
says 'does not match any key slot'

note "Ctrl-C, at each prompt"
asked 130 '^C' -- key change "$header"
asked 130 'battery staple' '^C' -- key change "$header"
asked 130 'battery staple' 'horse' '^C' -- key change "$header"
[ "$before" = "$(sha256sum "$header")" ] || fail "the header changed"

note "a new volume"
asked 0 'horse' 'horse' -- create --header "$tmp/new.header" --payload "$tmp/two.payload" "${cheap_keyslot[@]}"
asked 130 'horse' '^C' -- create --header "$tmp/no.header" --payload "$tmp/no.payload" --payload-size 1M
[ -z "$(find "$tmp" -name '*no.*')" ] || fail "left behind: $(find "$tmp" -name '*no.*')"
