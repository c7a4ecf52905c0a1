#!/bin/bash
# Kill -9 at every system call by which key add, change and remove write the header: it opens with the old
# or the new key, and the command can be given again.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"

new_secret new
new_secret kept

# killed NAME OLD_SECRET COMMAND ARGUMENT…: at each of the calls, on a copy of $tmp/NAME.header.
killed() {
  local call number count=0 header=$tmp/edited command=$3
  local arguments=("$program" key "$command" "$header" "${@:4}")
  for call in pwrite64,pwritev2 fdatasync; do
    for ((number = 1; ; number++)); do
      cp "$tmp/$1.header" "$header"
      killed_at $call $number "${arguments[@]}" || break
      count=$((count + 1))
      look "$@"
      # Given again it does what is left, if there is something.
      "${arguments[@]}" >/dev/null 2>&1 || true
      [ "$command" = remove ] || opens "$header" "$tmp/new"
      [ "$command" = add ] || opens_not "$header" "$2"
    done
    [ "$number" -ge 3 ] || fail "too few of $call: the command does not write as it did"
  done
  note "$1: key $command: killed at each of $count calls"
}

look() {
  case $3 in
    add) opens "$header" "$2" ;;
    change)
      opens "$header" "$tmp/kept"
      cryptsetup open --test-passphrase --header "$header" --key-file "$2" "$header" 2>/dev/null ||
        opens "$header" "$tmp/new"
      ;;
    remove) opens "$header" "$tmp/kept" ;;
  esac
}

for name in one two; do
  case $name in
    one) make_luks1 one 256K ;;
    two) make_luks2 two 256K ;;
  esac
  header=$tmp/$name.header
  # Slot 6 of LUKS1 lies in two sectors.
  killed $name "$tmp/$name.secret" add --secret "$tmp/$name.secret" --new-secret "$tmp/new" --slot 6 "${cheap_keyslot[@]}"
  "$program" key add "$header" --secret "$tmp/$name.secret" --new-secret "$tmp/kept" --slot 6 "${cheap_keyslot[@]}" >/dev/null
  killed $name "$tmp/$name.secret" change --secret "$tmp/$name.secret" --new-secret "$tmp/new" "${cheap_keyslot[@]}"
  killed $name "$tmp/$name.secret" remove --slot 0
done
