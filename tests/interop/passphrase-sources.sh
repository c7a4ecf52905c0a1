#!/bin/bash
# A passphrase comes from a file, a pipe on standard input or a descriptor, without its newline.
. "$(dirname -- "$0")/lib.sh"

printf 'correct horse battery' >"$tmp/v.secret"
make_luks2 v 256K --sector-size 512
volume=("header=$tmp/v.header" "payload=$tmp/v.payload")
printf 'correct horse battery\n' >"$tmp/line"
printf 'wrong horse\n' >"$tmp/wrong-line"
secrets+=("$tmp/line" "$tmp/wrong-line")

note "+FILE, with and without a newline"
for file in line v.secret; do
  serve "${volume[@]}" "passphrase=+$tmp/$file"
  nbdinfo --size "$uri"
  stop "$server"
done

# A server in the background that reads its standard input and a descriptor: not start's business.
note "- from a pipe, and -FD"
for passphrase in - -9; do
  mkfifo "$tmp/pipe"
  cat "$tmp/line" >"$tmp/pipe" &
  if [ "$passphrase" = - ]; then
    "${nbdkit_under_test[@]}" -f --exit-with-parent -U "$tmp/p.sock" -P "$tmp/p.pid" "$plugin" \
      "${volume[@]}" passphrase=- <"$tmp/pipe" 2>"$tmp/p.log" &
  else
    "${nbdkit_under_test[@]}" -f --exit-with-parent -U "$tmp/p.sock" -P "$tmp/p.pid" "$plugin" \
      "${volume[@]}" passphrase=-9 9<"$tmp/pipe" </dev/null 2>"$tmp/p.log" &
  fi
  server=$!
  defer stop_quietly "$server"
  eventually test -s "$tmp/p.pid"
  nbdinfo --size "nbd+unix:///?socket=$tmp/p.sock"
  stop "$server"
  rm -f "$tmp"/p.* "$tmp/pipe"
done

note "refusals"
refused 'secret|passphrase|key ?slot' "${volume[@]}" "passphrase=+$tmp/wrong-line"
refused 'secret|passphrase|key ?slot' "${volume[@]}" passphrase=- <"$tmp/wrong-line"
refused 'empty|passphrase' "${volume[@]}" passphrase=- </dev/null
printf 'correct\0horse\n' >"$tmp/nul"
refused 'NUL' "${volume[@]}" "passphrase=+$tmp/nul"
refused "$tmp/absent.*(no such|not exist)" "${volume[@]}" "passphrase=+$tmp/absent"
refused 'passphrase' "${volume[@]}" passphrase=-77
refused 'passphrase' "${volume[@]}" passphrase=

note "standard input that is nbdkit's own"
status=0
"${nbdkit_under_test[@]}" -s "$plugin" "${volume[@]}" passphrase=- <"$tmp/line" >/dev/null 2>"$tmp/said" || status=$?
[ "$status" = 1 ] || fail "status $status: $(cat "$tmp/said")"
matches 'passphrase=-, secret=- and the like cannot be used while nbdkit itself uses standard input' "$tmp/said"
