#!/bin/bash
# The process that serves has its keys in locked memory that stays out of core dumps, in the
# background too, where the locks of before the fork are gone; and nothing of a secret in its
# arguments.
. "$(dirname -- "$0")/lib.sh"

# The sanitizers' runtimes turn mlock into nothing.
[ -z "${LUKSDETACHED_PRELOAD:-}" ] || skip "mlock does nothing in a sanitizer build"
make_luks2 v 256K
parameters v

locked() { # PROCESS
  local kilobytes
  kilobytes=$(sed -n 's/^VmLck:[ \t]*\([0-9]*\) kB/\1/p' "/proc/$1/status")
  note "VmLck $kilobytes kB"
  [ "$kilobytes" -gt 0 ] || fail "no locked memory"
  # lo: locked, dd: not dumped. One mapping has both.
  grep '^VmFlags:' "/proc/$1/smaps" | grep ' lo' | grep -q ' dd' || fail "locked memory is dumped"
  if tr '\0' '\n' <"/proc/$1/cmdline" | grep -Fq "$(cat "$tmp/v.secret")"; then fail "secret in argv"; fi
}

note "foreground"
serve "${parameters[@]}"
locked "$server"
stop "$server"

note "background"
"${nbdkit_under_test[@]}" -U "$tmp/d.sock" -P "$tmp/d.pid" "$plugin" "${parameters[@]}"
eventually test -s "$tmp/d.pid"
defer stop_quietly "$(cat "$tmp/d.pid")"
locked "$(cat "$tmp/d.pid")"
nbdinfo --size "nbd+unix:///?socket=$tmp/d.sock"
