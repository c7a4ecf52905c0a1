#!/bin/bash
# Wherever the secret comes from: once the volume is open it is nowhere in the server's memory, nor what
# was derived from it; nothing of it, nor of the volume key, is in the arguments and environment of
# the server and its children, or in the log, which tells all. In the background it is the same.
. "$(dirname -- "$0")/lib.sh"
. "$here/hygiene.sh"

new_secret v
argon2_kib=65536 # several times of what the server has else
make_luks2 v 256K --pbkdf argon2id --pbkdf-memory "$argon2_kib" --pbkdf-force-iterations 4 --pbkdf-parallel 2
material v
{
  cat "$tmp/v.secret"
  echo
} >"$tmp/line"
mkfifo "$tmp/fifo"

# A program that knows the secret, and a clevis that does, for a token that holds anything.
mkdir "$tmp/bin"
printf '%s\n' '#!/bin/sh' "exec cat '$tmp/v.secret'" | tee "$tmp/ask" >"$tmp/bin/clevis"
chmod +x "$tmp/ask" "$tmp/bin/clevis"
jwe='{"protected":"cA","encrypted_key":"","iv":"aQ","ciphertext":"Yw","tag":"dA"}'
cryptsetup token import --token-id 0 "$tmp/v.header" <<<'{"type":"clevis","keyslots":["0"],"jwe":'"$jwe"'}'

# These become the server, with what it needs to get at the secret.
as_it_is() { exec "$@"; }
with_fifo() {
  cat "$tmp/v.secret" >"$tmp/fifo" &
  exec "$@"
}
with_standard_input() { exec "$@" <"$tmp/line"; }
with_descriptor() { exec "$@" 9<"$tmp/line"; }
with_bytes_on_standard_input() { exec "$@" <"$tmp/v.secret"; }
with_bytes_on_descriptor() { exec "$@" 9<"$tmp/v.secret"; }
with_credentials() { exec env "CREDENTIALS_DIRECTORY=$tmp" "$@"; }
with_clevis() { exec env "PATH=$tmp/bin:$PATH" "$@"; }

# no_argon2 PROCESS: it has given back the memory of the key derivation.
no_argon2() {
  local kib
  kib=$(sed -n 's/^VmRSS:[ \t]*\([0-9]*\) kB/\1/p' "/proc/$1/status")
  [ "$kib" -lt "$argon2_kib" ] || fail "process $1 has $kib KiB of memory, as if Argon2 went on"
}

server_command=("${nbdkit_under_test[@]}")
while read -r parameter given; do
  note "$parameter"
  given_parameters=("header=$tmp/v.header" "payload=$tmp/v.payload" "${parameter/DIR/$tmp}")

  nbdkit_under_test=("$given" "${server_command[@]}")
  serve -v -D nbdkit.backend.controlpath=1 "${given_parameters[@]}"
  nbdcopy "$uri" "$tmp/read"
  clean "in the foreground" "$tmp/v.material" --processes "$server" --serving
  no_argon2 "$server"
  stop "$server"
  matches debug "$log" # it tells all
  clean "log" "$tmp/v.material" --files "$log"

  socket=$tmp/background.sock
  ("$given" "${server_command[@]}" -U "$socket" -P "$tmp/background.pid" "$plugin" "${given_parameters[@]}") &
  parent=$!
  eventually test -s "$tmp/background.pid"
  daemon=$(cat "$tmp/background.pid")
  defer stop_quietly "$daemon"
  wait "$parent" || fail "nbdkit's first process failed"
  nbdcopy "nbd+unix:///?socket=$socket" "$tmp/read"
  clean "in the background" "$tmp/v.material" --processes "$daemon" --serving
  no_argon2 "$daemon"
  kill "$daemon"
  gone() { ! kill -0 "$daemon" 2>/dev/null; }
  eventually gone
  rm "$socket" "$tmp/background.pid"
done <<'END'
secret=DIR/v.secret as_it_is
secret=DIR/fifo with_fifo
passphrase=+DIR/line as_it_is
passphrase=- with_standard_input
passphrase=-9 with_descriptor
secret=- with_bytes_on_standard_input
secret=fd:9 with_bytes_on_descriptor
secret=credential:v.secret with_credentials
secret=exec:DIR/ask as_it_is
secret=token: with_clevis
volume-key=DIR/v.rawkey as_it_is
END
