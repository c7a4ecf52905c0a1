#!/bin/bash
# Every command's exit code: 0 good, 1 refused or not running, 2 wrong usage or config; a config with
# mistakes is said with file, line and column, and is refused before anything is served or touched.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

make_luks2 vm1 256K
service_config < <(export_table vm1 vm1)
good=$config

note "wrong usage"
commands=(serve "config check" status healthcheck)
for command in "${commands[@]}"; do
  read -ra words <<<"$command"
  exits 2 "$program" "${words[@]}"
  says 'CONFIG'
  exits 2 "$program" "${words[@]}" --no-such-option "$good"
  exits 0 "$program" "${words[@]}" --help
  says 'CONFIG'
done
exits 2 "$program"
exits 2 "$program" no-such-command
exits 2 "$program" config
exits 2 "$program" config check "$good" "$good"
exits 2 "$program" serve "$good" "$good"
exits 2 "$program" healthcheck "$good" vm1
says 'only with --ready'
exits 0 "$program" --help
exits 0 "$program" --version
says '^luksdetached [0-9]'

note "good"
exits 0 "$program" config check "$good"
says '^/.*config\.toml: good, 1 export$'

note "good, and yet nbdkit would not start"
sed "s#unix:$socket#unix:$tmp/nowhere/nbd.sock#" "$good" >"$tmp/no-folder.toml"
sed "/^listen/a tls = \"on\"\ntls-psk = \"$tmp/no.psk\"" "$good" >"$tmp/no-psk.toml"
sed "/^listen/a tls = \"on\"\ntls-certificates = \"$tmp\"" "$good" >"$tmp/no-pki.toml"
for command in "config check" serve; do
  read -ra words <<<"$command"
  exits 2 "$program" "${words[@]}" "$tmp/no-folder.toml"
  says 'no-folder\.toml:2:11: listen in \[service\] needs the folder .*/nowhere/: No such file or directory$'
  exits 2 "$program" "${words[@]}" "$tmp/no-psk.toml"
  says 'no-psk\.toml:4:11: tls-psk in \[service\] needs the file .*/no\.psk: No such file or directory$'
  exits 2 "$program" "${words[@]}" "$tmp/no-pki.toml"
  says 'no-pki\.toml:4:20: tls-certificates in \[service\] needs the file .*/server-key\.pem: No such'
done

note "not running"
exits 1 "$program" status --json "$good"
{ "$program" status --json "$good" 2>"$tmp/said" || true; } |
  jq -e '.done == false and .error.kind == "source_unreachable"' >/dev/null || fail "no reason as JSON"
exits 1 "$program" status "$good"
exits 1 "$program" healthcheck "$good"
says 'does not answer .*No such file'
grep -v ^status "$good" >"$tmp/no-status.toml"
exits 1 "$program" status "$tmp/no-status.toml"
says 'names no status socket'
# Somebody who accepts and says nothing, and somebody who says nonsense.
/usr/bin/python3 - "$status_socket" <<'END' &
import socket, sys, time
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
for answer in None, b"", b"nonsense", b"[]", b'{"exports": 1}', b'{"exports": [1]}', b'{"exports": [{"name": 1}]}':
    client, _ = listener.accept()
    if answer is None:
        silent = client
        continue
    client.recv(100)
    client.sendall(answer)
    client.close()
END
defer stop_quietly $!
eventually test -S "$status_socket"
for pattern in 'took too long' 'not a status' 'not a status' 'not a status' 'not a status' 'not a status' 'not a status'; do
  exits 1 "$program" healthcheck --ready "$good"
  says "^luksdetached: .*$pattern"
done
rm "$status_socket"

note "wrong configs"
wrong=$tmp/wrong.toml
# refused_config COMPLAINT: by every command that needs all of it, and by nbdkit, word for word.
refused_config() {
  local command words
  for command in serve "config check" reload; do
    read -ra words <<<"$command"
    exits 2 "$program" "${words[@]}" "$wrong"
    [ "$(cat "$tmp/said")" = "$1" ] || fail "said '$(cat "$tmp/said")' instead of '$1'"
  done
  exits 1 "${nbdkit_under_test[@]}" -f -U "$tmp/refused.sock" "$plugin" "config=$wrong"
  grep -Fq -- "${1%%$'\n'*}" "$tmp/said" || fail "nbdkit said '$(cat "$tmp/said")' instead of '$1'"
  [ ! -e "$socket" ] && [ ! -e "$status_socket" ] && [ ! -e "$tmp/refused.sock" ] ||
    fail "left a socket behind"
}
sed 's/^name/nome/' "$good" >"$wrong"
refused_config "$wrong:4:1: name is missing in [[export]] number 1
$wrong:5:1: unknown key 'nome' in [[export]] number 1 (known: allow-gid, allow-subject, allow-uid, description, discard, header, header-sha256, insecure, kdf-iterations-max, kdf-memory-max, keyslot, list, lock, max-clients, name, passphrase, payload, payload-offset, readonly, reconnect-timeout, require-cipher, require-luks, require-uuid, secret, secret-offset, secret-size, volume-key); did you mean name?"
printf '[service\n' >"$wrong"
refused_config "$wrong:1:9: Error while parsing table header: expected ']', saw '\\n'"
head -c 2000000 /dev/zero >"$wrong"
refused_config "config file $wrong is larger than 1 MiB"
rm "$wrong"
refused_config "config file $wrong cannot be opened: No such file or directory"
mkfifo "$wrong"
refused_config "config file $wrong is not a regular file"
rm "$wrong"
mkdir "$wrong"
refused_config "config file $wrong is not a regular file"
wrong=/dev/zero
refused_config "config file $wrong is not a regular file"

note "config= and other parameters"
parameters vm1
refused "config= has all parameters in its file; the others cannot be given too" "config=$good" \
  "${parameters[0]}"
refused "config= has all parameters in its file" "${parameters[1]}" "config=$good"
refused "config= is given more than once" "config=$good" "config=$good"

note "nbdkit is not there"
exits 1 env PATH=/nonexistent "$program" serve "$good"
says 'cannot start nbdkit \(Debian package nbdkit\): No such file'
