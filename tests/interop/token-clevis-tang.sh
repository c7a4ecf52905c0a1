#!/bin/bash
# secret=token: unlocks what `clevis luks bind` has bound to tang servers: one server, both of two, and
# one of two while the other is away. A server that is away, clevis that is not installed, tokens that
# are not clevis's and headers without tokens are told apart, and nothing secret shows.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/tang.sh"

start_tang one
one=$tang_server
start_tang two
two=$tang_server
for name in single both either; do make_luks2 "$name" 256K; done
bind single tang "$(url one)"
bind both sss "{\"t\":2,\"pins\":{\"tang\":[$(url one),$(url two)]}}"
bind either sss "{\"t\":1,\"pins\":{\"tang\":[$(url one),$(url two)]}}"

# with_token NAME: the parameters for that.
with_token() { volume=("header=$tmp/$1.header" "payload=$tmp/$1.payload" secret=token:); }

# opens NAME PARAMETER…: by what is in its key slot 1.
opens() {
  with_token "$1"
  exits 0 "$program" test "$tmp/$1.header" --secret token: "${@:2}"
  says 'unlocked by key slot 1 '
  serve "${volume[@]}" "${@:2}"
  [ "$(nbdinfo --size "$uri")" = 262144 ] || fail "size"
  stop "$server"
}

note "all servers are there"
for name in single both either; do opens "$name"; done

note "arguments and environment of everything that is run hold nothing secret"
passphrase=$(cryptsetup token export --token-id 0 "$tmp/single.header" | jose fmt -j- -Og jwe -o- |
  jose jwe fmt -i- -c | clevis decrypt)
# Leaks cannot be looked for under ptrace.
ASAN_OPTIONS=detect_leaks=0 strace -f -q -s 100000 -v -e trace=execve -o "$tmp/strace" \
  "$program" test "$tmp/single.header" --secret token: >"$tmp/said"
grep -q 'clevis-decrypt-tang' "$tmp/strace" || fail "nothing was traced"
if grep -Fq -- "$passphrase" "$tmp/strace" "$tmp/said"; then fail "the passphrase shows"; fi

note "by a service, and with a wrong secret beside it"
printf 'nobody knows this' >"$tmp/wrong"
chmod o= "$tmp/wrong"
service_config < <(
  export_table single single 'secret = "token:"'
  export_table both both "secret = [\"token:\", \"$tmp/wrong\"]"
)
start_service
settled
for name in single both; do [ "$(state "$name")" = open ] || fail "$name: $(reason "$name")"; done
stop "$server"

note "the token's secret is for its own key slots"
exits 2 "$program" test "$tmp/single.header" --secret token: --keyslot 0
says 'no token is for key slot 0'

note "one server is away"
stop_quietly "$two" || true
opens single
opens either
with_token both
refused "cannot unlock header $tmp/both\.header: token 0 \(clevis\): clevis decrypt exited with status 1; it said: ." \
  "${volume[@]}"
exits 1 "$program" test "$tmp/both.header" --secret token:
exits 0 "$program" test "$tmp/both.header" --secret token: --secret "$tmp/both.secret"
says 'unlocked by key slot 0'

note "and the other one"
stop_quietly "$one" || true
for name in single either; do
  with_token "$name"
  refused 'token 0 \(clevis\): clevis decrypt exited with status 1; it said: .' "${volume[@]}"
done
refused "Error communicating with server http://127.0.0.1:${port[one]}" \
  "header=$tmp/single.header" "payload=$tmp/single.payload" secret=token:

note "it comes back"
start_tang one "${port[one]}"
opens single

note "clevis is not installed"
mkdir "$tmp/bin"
for needed in nbdkit env timeout; do ln -s "$(command -v "$needed")" "$tmp/bin/$needed"; done
exits 1 env PATH="$tmp/bin" "$program" test "$tmp/single.header" --secret token:
says 'token 0 \(clevis\): the program clevis is not installed \(Debian package clevis'

note "other tokens, and none"
make_luks2 plain 256K
with_token plain
refused 'the header has no token for a key slot' "${volume[@]}"
import_token() { # TYPE
  printf '{"type":"%s","keyslots":["0"],"tpm2-blob":"","tpm2-policy-hash":"","tpm2-pcrs":[]}' "$1" |
    cryptsetup token import --token-id 3 --token-replace "$tmp/plain.header"
}
for type in luks2-keyring systemd-tpm2 unheard-of; do
  if [ "$type" = luks2-keyring ]; then
    cryptsetup token add --token-id 3 --key-slot 0 --key-description x "$tmp/plain.header"
  else
    import_token "$type"
  fi
  exits 4 "$program" test "$tmp/plain.header" --secret token:
  says "token 3 \($type\): this version cannot use tokens of this type, only those of clevis; give the secret of another key slot"
done
import_token systemd-recovery
exits 4 "$program" test "$tmp/plain.header" --secret token:
says 'token 3 \(systemd-recovery\): .* its recovery key is a passphrase: give it with --passphrase'
make_luks1 old 256K
with_token old
refused 'secret=token: needs a LUKS2 header: LUKS1 has no tokens' "${volume[@]}"
