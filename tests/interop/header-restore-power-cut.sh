#!/bin/bash
# After a power cut at any moment of header restore a header in a file of its own opens with an old or a new key, and
# wherever it is, what was there is kept, its metadata are intact, and the same command completes it.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"
. "$here/power_cut.sh"

mkdir "$disk"
new_secret second
command=("$program" header restore "$disk/header" --input "$tmp/backup" --keep-old "$disk/kept")
is_kept() { cut_opens "$state/kept" "$tmp/second"; }
look_file() {
  cut_opens "$state/header" "$tmp/second" || { cut_opens "$state/header" "$secret" && is_kept; } || lost "no key opens it"
}
look_in_place() {
  cmp -s "$tmp/now" "$state/header" || is_kept || lost "the old header is not kept"
  "$program" inspect "$state/header" >/dev/null || lost "the metadata are damaged"
  cmp -s -i "$size" "$tmp/now" "$state/header" || lost "what is behind the header has changed"
}
again_file() {
  again
  opens "$state/header" "$secret"
  is_kept || lost "the old header is not kept"
}
again_in_place() { again_file; }

for name in one two; do
  case $name in
    one) make_luks1 one 256K ;;
    two) make_luks2 two 256K ;;
  esac
  secret=$tmp/$name.secret
  rm -f "$tmp/backup"
  exits 0 "$program" header backup "$tmp/$name.header" --output "$tmp/backup"
  size=$(stat -c %s "$tmp/backup")
  # Both are in the same key slot.
  cp "$tmp/$name.header" "$tmp/now"
  other_key "$tmp/now" "$secret" "$tmp/second"

  rm -f "$disk"/*
  cp "$tmp/now" "$disk/header"
  power_cuts file 5
  # More than a header: it is written where it is, as on a device.
  rm "$disk"/*
  truncate -s "$size" "$tmp/now"
  noise 64K >>"$tmp/now"
  cp "$tmp/now" "$disk/header"
  power_cuts in_place 5
done
