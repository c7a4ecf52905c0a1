# What the tests of commands that change headers share; sourced after lib.sh and service.sh.
# shellcheck shell=bash disable=SC2154  # tmp and others come from lib.sh

# The least that libcryptsetup allows.
cheap_keyslot=(--pbkdf pbkdf2 --pbkdf-force-iterations 1000)

# new_secret NAME: $tmp/NAME, for its owner alone.
new_secret() {
  (umask 077 && printf 'a new secret %s' "$(noise 12 | od -An -tx1 | tr -d ' \n')" >"$tmp/$1")
  secrets+=("$tmp/$1")
}

# opens HEADER SECRET [OPTION…]: cryptsetup and our own test agree that it does.
opens() {
  cryptsetup open --test-passphrase --header "$1" --key-file "$2" "${@:3}" "$1" ||
    fail "cryptsetup: $2 does not open $1"
  "$program" test "$1" --secret "$2" >/dev/null || fail "$2 does not open $1"
}

# opens_not HEADER SECRET: likewise.
opens_not() {
  if cryptsetup open --test-passphrase --header "$1" --key-file "$2" "$1" 2>/dev/null; then
    fail "cryptsetup: $2 opens $1"
  fi
  exits 3 "$program" test "$1" --secret "$2"
}

# slots HEADER: the numbers of its key slots, as our key list and cryptsetup see them.
slots() {
  local ours theirs
  ours=$("$program" key list --json "$1" | jq -r '[.keyslots[].id] | join(" ")')
  # "Key Slot 3: ENABLED" of LUKS1, "  3: luks2" within "Keyslots:" of LUKS2.
  theirs=$(cryptsetup luksDump "$1" | sed -n '/^Tokens:/q; s/^Key Slot \([0-9]*\): ENABLED/\1/p; s/^  \([0-9]*\): luks2.*/\1/p' |
    paste -sd ' ')
  [ "$ours" = "$theirs" ] || fail "key slots: ours '$ours', cryptsetup's '$theirs'"
  printf '%s' "$ours"
}

# other_key HEADER SECRET NEW_SECRET: the new secret opens key slot 0, instead of the only one that did.
other_key() {
  exits 0 "$program" key change "$1" --secret "$2" --new-secret "$3" "${cheap_keyslot[@]}"
  exits 0 "$program" key change "$1" --secret "$3" --new-secret "$3" --slot 0 "${cheap_keyslot[@]}"
}

# sound HEADER: both copies are good, and cryptsetup repairs nothing.
sound() {
  "$program" inspect --json "$1" | jq -e '.valid and .warnings == []' >/dev/null ||
    fail "not sound: $("$program" inspect "$1")"
}

# What LSan cannot be run under.
without_leak_check=(env "ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0")

# killed_at CALL N COMMAND…: the command, killed when it begins the Nth system call of this name. False when it
# makes fewer, and is done.
killed_at() {
  local call=$1 number=$2 status=0
  shift 2
  { # where bash says that it was killed
    "${without_leak_check[@]}" strace -f -qq -o /dev/null -e trace="$call" \
      -e inject="$call:signal=KILL:when=$number" "$@" </dev/null >"$tmp/killed.out" 2>&1 || status=$?
  } 2>/dev/null
  case $status in
    0) return 1 ;;
    137) return 0 ;;
    *) fail "status $status: $*: $(cat "$tmp/killed.out")" ;;
  esac
}
