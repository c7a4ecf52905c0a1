#!/bin/bash
# Each kind of secret unlocks the volume: a descriptor, standard input, a credential, a program with
# and without arguments, by nbdkit, by a service and by `luksdetached test`. What cannot be is refused.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

make_luks2 v 256K
volume=("header=$tmp/v.header" "payload=$tmp/v.payload")
printf 'nobody knows this' >"$tmp/wrong"
chmod o= "$tmp/wrong"
secrets+=("$tmp/wrong")
mkdir -m 0700 "$tmp/credentials"
cp "$tmp/v.secret" "$tmp/credentials/vm1"
export tmp # for the programs

# program_of NAME < SCRIPT: an executable $tmp/NAME.
program_of() {
  { printf '#!/bin/sh\n'; cat; } >"$tmp/$1"
  chmod 0700 "$tmp/$1"
}
program_of ask <<'END'
[ "$#" = 0 ] && [ "$(cat)" = "" ] || exit 9
echo 'looking the secret up' >&2
exec cat "$tmp/v.secret"
END
program_of pick <<'END'
exec cat "$1/$2.secret"
END
program_of ask-longer <<'END'
exec cat "$tmp/longer"
END
program_of fail <<'END'
cat "$tmp/v.secret"
echo 'the vault is sealed' >&2
exit 4
END
program_of large <<'END'
exec head -c 8388609 /dev/zero
END
program_of silent <<'END'
exit 0
END

# opens PARAMETER…: serves with them; $input is standard input, descriptor 9 has the secret.
input=/dev/null
opens() {
  rm -f "$tmp/p.pid" "$tmp/p.sock"
  "${nbdkit_under_test[@]}" -f --exit-with-parent -U "$tmp/p.sock" -P "$tmp/p.pid" "$plugin" \
    "${volume[@]}" "$@" <"$input" 9<"$tmp/v.secret" 2>"$tmp/p.log" &
  server=$!
  defer stop_quietly "$server"
  eventually test -s "$tmp/p.pid"
  [ "$(nbdinfo --size "nbd+unix:///?socket=$tmp/p.sock")" = 262144 ] || fail "size: $*"
  stop "$server"
  if grep -Fq "$(cat "$tmp/v.secret")" "$tmp/p.log"; then fail "the log shows the secret: $*"; fi
}

note "by nbdkit"
opens secret=fd:9
input=$tmp/v.secret opens secret=-
input=$tmp/v.secret opens secret=fd:0
CREDENTIALS_DIRECTORY=$tmp/credentials opens secret=credential:vm1
opens "secret=exec:$tmp/ask"
matches "warning: secret program $tmp/ask says: looking the secret up" "$tmp/p.log"
cd "$tmp"
opens secret=exec:./ask
opens "secret=$tmp/wrong" secret=fd:9
size=$(stat -c %s "$tmp/v.secret")
{ printf 'xxx'; cat "$tmp/v.secret"; printf 'yyyy'; } >"$tmp/longer"
input=$tmp/longer opens secret=- secret-offset=3 "secret-size=$size"
opens "secret=exec:$tmp/ask-longer" secret-offset=3 "secret-size=$size"

note "by test"
exits 0 "$program" test "$tmp/v.header" --secret "exec:$tmp/ask"
says '^luksdetached: warning: secret program .*/ask says: looking the secret up'
says 'unlocked by key slot 0'
exits 0 env CREDENTIALS_DIRECTORY="$tmp/credentials" "$program" test "$tmp/v.header" --secret credential:vm1
timeout 60 "$program" test "$tmp/v.header" --secret - <"$tmp/v.secret" || fail "test --secret -"
timeout 60 "$program" test "$tmp/v.header" --secret fd:9 9<"$tmp/v.secret" || fail "test --secret fd:9"
exits 1 "$program" test "$tmp/v.header" --secret "exec:$tmp/fail"
exits 2 "$program" test "$tmp/v.header" --secret exec:ask

note "by a service"
service_config < <(
  export_table credential v 'secret = "credential:vm1"' 'readonly = true'
  export_table program v "secret = \"exec:$tmp/ask\"" 'readonly = true'
  export_table arguments v "secret = [\"exec:$tmp/pick\", \"$tmp\", \"v\"]" 'readonly = true'
  export_table several v "secret = [\"$tmp/wrong\", [\"exec:$tmp/pick\", \"$tmp\", \"v\"]]" 'readonly = true'
  export_table failing v "secret = \"exec:$tmp/fail\"" 'readonly = true'
)
export CREDENTIALS_DIRECTORY=$tmp/credentials
start_service
settled
for name in credential program arguments several; do
  [ "$(state "$name")" = open ] || fail "$name: $(reason "$name")"
done
[ "$(state failing)" = failed ] || fail "a program that failed opened the volume"
reason failing >"$tmp/said"
says 'secret program .*/fail exited with status 4; it said: the vault is sealed'
stop "$server"
unset CREDENTIALS_DIRECTORY

note "refusals"
refused 'file descriptor 77: Bad file descriptor' "${volume[@]}" secret=fd:77
refused 'standard input is empty' "${volume[@]}" secret=- </dev/null
refused 'credential vm1: the variable CREDENTIALS_DIRECTORY is not set' "${volume[@]}" secret=credential:vm1
CREDENTIALS_DIRECTORY=$tmp/credentials \
  refused "credential vm2 in $tmp/credentials: No such file" "${volume[@]}" secret=credential:vm2
refused 'credential:../v.secret: expected the name of a file' "${volume[@]}" secret=credential:../v.secret
refused "secret program $tmp/fail exited with status 4; it said: the vault is sealed" \
  "${volume[@]}" "secret=exec:$tmp/fail"
refused "cannot run secret program $tmp/absent: No such file" "${volume[@]}" "secret=exec:$tmp/absent"
refused "cannot run secret program $tmp/v.secret: Permission denied" "${volume[@]}" "secret=exec:$tmp/v.secret"
refused 'is larger than 8388608 bytes' "${volume[@]}" "secret=exec:$tmp/large"
refused 'wrote nothing' "${volume[@]}" "secret=exec:$tmp/silent"
refused 'expected the path of a program' "${volume[@]}" secret=exec:ask
refused 'reads standard input to its end' "${volume[@]}" secret=- passphrase=-
refused 'volume-key= takes the place of secret=' "${volume[@]}" "secret=$tmp/v.secret" volume-key=fd:9

note "standard input that is nbdkit's own"
for parameter in secret=- secret=fd:0 volume-key=-; do
  exits 1 "${nbdkit_under_test[@]}" -s "$plugin" "${volume[@]}" "$parameter"
  says 'cannot be used while nbdkit itself uses standard input'
done
