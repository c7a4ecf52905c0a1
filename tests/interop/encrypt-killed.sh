#!/bin/bash
# Kill -9 at the calls of each thread by which encrypt and decrypt write, and at random moments: there is no
# header and no target then, or a whole one; the same command, given again, completes it.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"
. "$here/faults.sh"
. "$here/copy.sh"

new_secret one.secret
plain_image "$tmp/plain" 3M
encrypt=("$program" encrypt "$tmp/plain" --header "$tmp/one.header" --payload "$tmp/one.payload" --secret "$tmp/one.secret"
  --luks 1 "${cheap_keyslot[@]}")
decrypt=("$program" decrypt --header "$tmp/one.header" --payload "$tmp/one.payload" --secret "$tmp/one.secret" "$tmp/back")

begin_encrypt() { rm -f "$tmp"/one.header* "$tmp"/one.payload* "$tmp/one.key" "$tmp/one.rawkey"; }
begin_decrypt() { rm -f "$tmp"/back*; }
# What has its name is complete.
look_encrypt() { [ ! -e "$tmp/one.header" ] || is_right_encrypt; }
look_decrypt() { [ ! -e "$tmp/back" ] || is_right_decrypt; }
is_right_encrypt() {
  opens "$tmp/one.header" "$tmp/one.secret"
  rm -f "$tmp/one.key" "$tmp/one.rawkey"
  decrypted one 512 | same "$tmp/plain" /dev/stdin
}
is_right_decrypt() { same "$tmp/plain" "$tmp/back"; }
# complete COMMAND: given again; encrypt, when it had done everything already, does not make another volume.
complete() {
  local -n again=$1
  if [ "$1" = encrypt ] && [ -e "$tmp/one.header" ]; then exits 4 "${again[@]}"; else exits 0 "${again[@]}"; fi
  "is_right_$1"
  nothing_unfinished_but_temporary
}
# NewFile's own temporary file may stay, as create's.
nothing_unfinished_but_temporary() {
  local left
  left=$(find "$tmp" -name '*.unfinished')
  [ -z "$left" ] || fail "left: $left"
  rm -f "$tmp"/.one.header.unfinished.*
}

for command in encrypt decrypt; do
  [ $command = encrypt ] || "is_right_encrypt"
  count=0
  declare -n words=$command
  for call in ftruncate pwrite64,pwritev2 fsync fdatasync rename,renameat2; do
    for ((number = 1; ; number++)); do
      "begin_$command"
      killed_at $call $number "${words[@]}" || break
      count=$((count + 1))
      "look_$command"
      complete $command
    done
    [ "$number" -gt 1 ] || fail "no $call"
  done
  note "$command: killed $count times" # strace counts the calls of each thread

  for _ in $(seq "$(rounds 12 4)"); do
    "begin_$command"
    "${words[@]}" >/dev/null 2>&1 </dev/null &
    process=$!
    sleep "0.0$((RANDOM % 100))"
    { kill -KILL $process && wait $process; } 2>/dev/null || true
    "look_$command"
    complete $command
  done
done

note "storage that does not answer: a second signal ends it"
truncate -s 4M "$tmp/silent"
serve_stuck "$tmp/silent"
catches_sigterm() { [ $((0x$(sed -n 's/^SigCgt:[[:space:]]*//p' /proc/$process/status) & 0x4000)) != 0 ]; }
is_noted() { ! catches_sigterm; }
# It ends by the first signal when that comes before it waits for an answer: then again, with more time.
for time in 0.5 2 8 16; do
  begin_encrypt
  env --default-signal=INT "$program" encrypt "$tmp/plain" --header "$tmp/one.header" --payload "$uri" --secret "$tmp/one.secret" "${cheap_keyslot[@]}" \
    >"$tmp/said" 2>&1 </dev/null &
  process=$!
  eventually test -e "$tmp/one.header.unfinished"
  eventually catches_sigterm
  sleep $time
  kill -TERM $process
  eventually is_noted 2>/dev/null
  kill -INT $process 2>/dev/null || true
  status=0
  wait $process || status=$?
  [ $status = 143 ] || break
done
[ $status = 130 ] || fail "status $status: $(cat "$tmp/said")"

note "Ctrl-C before anything is copied: the same, as there is something to be continued"
begin_encrypt
env --default-signal=INT strace -f -qq -o /dev/null -e trace=rename,renameat2 -e inject=rename,renameat2:delay_exit=2000000:when=1 \
  "${encrypt[@]}" >"$tmp/said" 2>&1 </dev/null &
process=$!
eventually test -e "$tmp/one.header.unfinished"
pkill -INT -P $process
status=0
wait $process || status=$?
[ $status = 130 ] || fail "status $status: $(cat "$tmp/said")"
says 'interrupted; the same command, given again, continues'
[ ! -e "$tmp/one.payload.unfinished" ] || fail "it has begun to copy"
exits 0 "${encrypt[@]}"
is_right_encrypt

note "Ctrl-C: says that it can be continued, and it is"
begin_encrypt
truncate -s 4G "$tmp/large" # of which encrypting takes a while
noise 5M | dd of="$tmp/large" conv=notrunc status=none # its holes are not read
# is_copying OPTION…: encrypts it, and is in the middle of that. A shell's background processes ignore SIGINT.
is_copying() {
  begin_encrypt
  env --default-signal=INT "$program" encrypt "$tmp/large" --header "$tmp/one.header" --payload "$tmp/one.payload" --secret "$tmp/one.secret" \
    "${cheap_keyslot[@]}" "$@" >"$tmp/said" 2>"$tmp/errors" </dev/null &
  process=$!
  eventually test -e "$tmp/one.header.unfinished"
  eventually sh -c '[ "$(du -k "$1" | cut -f1)" -gt 4096 ]' - "$tmp/one.payload.unfinished"
}
for signal in INT:130 TERM:143 HUP:129; do
  is_copying --json
  kill "-${signal%:*}" $process
  status=0
  wait $process || status=$?
  [ $status = "${signal#*:}" ] || fail "$signal: status $status: $(cat "$tmp/errors")"
  grep -q 'interrupted; the same command, given again, continues' "$tmp/errors" || fail "$(cat "$tmp/errors")"
  jq -e '.done == false and .error.kind == "io"' "$tmp/said" >/dev/null || fail "$(cat "$tmp/said")"
  [ ! -e "$tmp/one.header" ] && [ ! -e "$tmp/one.payload" ] || fail "it looks finished"
done

note "nohup: it goes on"
trap '' HUP
is_copying
kill -HUP $process
sleep 0.5
kill -TERM $process
status=0
wait $process || status=$?
[ $status = 143 ] || fail "status $status"
trap - HUP
