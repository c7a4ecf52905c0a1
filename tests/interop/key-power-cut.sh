#!/bin/bash
# After a power cut at any moment of key add or key remove, with any part of what was not flushed on the
# storage, torn at 512 bytes or 4 KiB, cryptsetup opens the header: recorded writes are replayed.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"

new_secret new
# recorded HEADER COMMAND…: its writes and flushes into $tmp/trace; $tmp/before is what was there.
recorded() {
  cp "$1" "$tmp/before"
  "${without_leak_check[@]}" strace -f -qq -s 0 -e abbrev=none -o "$tmp/trace" -e trace=pwritev2,fdatasync "${@:2}" >/dev/null
}

for name in one two; do
  case $name in
    one) make_luks1 one 256K ;;
    two) make_luks2 two 256K ;;
  esac
  header=$tmp/$name.header
  recorded "$header" "$program" key add "$header" --secret "$tmp/$name.secret" --new-secret "$tmp/new" --slot 6 "${cheap_keyslot[@]}"
  /usr/bin/python3 "$here/power_cut_states.py" "$tmp/before" "$header" "$tmp/trace" "$tmp/state" "$tmp/$name.secret"
  recorded "$header" "$program" key remove "$header" --slot 0
  /usr/bin/python3 "$here/power_cut_states.py" "$tmp/before" "$header" "$tmp/trace" "$tmp/state" "$tmp/new"
done
