#!/bin/bash
# After a power cut at any moment of key add, key change or key remove, with any part of what was not flushed on the
# storage, torn at 512 bytes or 4 KiB, cryptsetup opens the header with the old or the new key.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"
. "$here/power_cut.sh"

mkdir "$disk"
header=$disk/header
new_secret new
new_secret kept
opens_with() { cut_opens "$state/header" "$1"; }
look_add() { opens_with "$old" || lost "the old key does not open it"; }
look_change() {
  opens_with "$tmp/kept" || lost "the other key does not open it"
  opens_with "$old" || opens_with "$tmp/new" || lost "neither the old nor the new key opens it"
}
look_remove() { opens_with "$tmp/kept" || lost "the other key does not open it"; }

for name in one two; do
  case $name in
    one) make_luks1 one 256K ;;
    two) make_luks2 two 256K ;;
  esac
  cp "$tmp/$name.header" "$header"
  old=$tmp/$name.secret
  # Slot 6 of LUKS1 lies in two sectors.
  command=("$program" key add "$header" --secret "$old" --new-secret "$tmp/kept" --slot 6 "${cheap_keyslot[@]}")
  power_cuts add
  command=("$program" key change "$header" --secret "$old" --new-secret "$tmp/new" "${cheap_keyslot[@]}")
  power_cuts change
  command=("$program" key remove "$header" --secret "$tmp/new")
  power_cuts remove
done
