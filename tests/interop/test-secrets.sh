#!/bin/bash
# test takes secrets as the plugin does, tells which key slot they open, and asks on a terminal
# without showing what is typed.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

printf 'correct horse battery' >"$tmp/v.secret"
make_luks2 v 256K --pbkdf argon2id "${cheap_argon2[@]}"
printf 'the second secret' >"$tmp/second"
printf 'nobody knows this' >"$tmp/wrong"
cryptsetup luksAddKey --batch-mode --key-file "$tmp/v.secret" --key-slot 3 "${cheap_pbkdf2[@]}" \
  "$tmp/v.header" "$tmp/second"
header=$tmp/v.header

# opens SLOT ARGUMENT…: standard input is this function's.
opens() {
  local slot=$1 status=0
  shift
  timeout 60 "$program" test --json "$@" >"$tmp/said" 2>&1 || status=$?
  [ "$status" = 0 ] || fail "status $status: $*: $(cat "$tmp/said")"
  jq -e --argjson slot "$slot" '.unlocks and .keyslot == $slot' "$tmp/said" >/dev/null ||
    fail "not slot $slot: $(cat "$tmp/said")"
}

opens 0 "$header" --secret "$tmp/v.secret"
opens 3 "$header" --secret "$tmp/second"
opens 3 --secret "$tmp/wrong" --secret "$tmp/second" "$header"
opens 3 --secret "$tmp/wrong" "$header" --passphrase "+$tmp/second"
opens 3 "$header" --secret "$tmp/second" --keyslot 3
exits 3 "$program" test "$header" --secret "$tmp/second" --keyslot 0
says 'does not match key slot 0'

note "parts of files"
printf 'xxthe second secretyyy' >"$tmp/longer"
opens 3 "$header" --secret "$tmp/longer" --secret-offset 2 --secret-size 17
exits 3 "$program" test "$header" --secret "$tmp/longer" --secret-offset 2

note "passphrases"
printf 'the second secret\n' >"$tmp/line"
exits 3 "$program" test "$header" --secret "$tmp/line"
says 'newline'
opens 3 "$header" --passphrase "+$tmp/line"
opens 3 "$header" --passphrase - <"$tmp/line"
opens 3 --passphrase - "$header" < <(cat "$tmp/line")
opens 3 "$header" --passphrase -9 9<"$tmp/line"
opens 3 "$header" --secret <(printf 'the second secret')

note "on a terminal"
cat >"$tmp/terminal.py" <<'END'
"""terminal.py PASSPHRASE COMMAND...: types it when asked; exits as the command does."""
import os, pty, sys, termios
passphrase, *command = sys.argv[1:]
child, terminal = pty.fork()
if child == 0:
    os.execv(command[0], command)
said = b""
while not said.endswith(b"passphrase: "):
    said += os.read(terminal, 1)
assert not termios.tcgetattr(terminal)[3] & termios.ECHO, "the terminal echoes"
os.write(terminal, passphrase.encode() + b"\n")
try:
    while more := os.read(terminal, 4096):
        said += more
except OSError:
    pass  # the other end is closed
sys.stdout.write(said.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
END
exits 0 /usr/bin/python3 "$tmp/terminal.py" 'the second secret' "$program" test "$header"
says 'unlocked by key slot 3'
if grep -q 'the second' "$tmp/said"; then fail "the passphrase was shown: $(cat "$tmp/said")"; fi
exits 3 /usr/bin/python3 "$tmp/terminal.py" 'not this one' "$program" test "$header"

note "a header on an NBD server; a damaged copy is a warning"
cp "$header" "$tmp/damaged"
noise 64 | dd of="$tmp/damaged" bs=1 seek=5000 conv=notrunc status=none
serve_plain -r file "$tmp/damaged"
exits 0 "$program" test "$uri" --secret "$tmp/v.secret"
says '^luksdetached: warning: header nbd.*: the secondary copy .*damaged'
says ': unlocked by key slot 0'
exits 0 "$program" test --json "$uri" --secret "$tmp/v.secret"
jq -e '.warnings | length == 1' "$tmp/said" >/dev/null || fail "no warning: $(cat "$tmp/said")"
