#!/bin/bash
# Kill -9 at every system call by which header restore writes: a header in a file of its own opens with an
# old or a new key, what was there is kept, and the command given again completes it, wherever the header is.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"

new_secret second
opens_quietly() { cryptsetup open --test-passphrase --header "$1" --key-file "$2" "$1" 2>/dev/null; }

# killed KIND CALL…: $tmp/now becomes $tmp/backup, of which the former opens with the new secret only, the
# latter with the old one.
killed() {
  local kind=$1 call number count=0
  shift
  for call; do
    for ((number = 1; ; number++)); do
      rm -f "$tmp/edited" "$tmp/kept"
      cp --sparse=always "$tmp/now" "$tmp/edited"
      killed_at $call $number "${restore[@]}" || break
      count=$((count + 1))
      if [ "$kind" = file ]; then
        opens_quietly "$tmp/edited" "$secret" || opens "$tmp/edited" "$tmp/second"
      else
        # The old header is kept before anything is written.
        cmp -s "$tmp/now" "$tmp/edited" || opens "$tmp/kept" "$tmp/second"
      fi
      exits 0 "${restore[@]}"
      opens "$tmp/edited" "$secret"
      opens_not "$tmp/edited" "$tmp/second"
      opens "$tmp/kept" "$tmp/second"
    done
    [ "$number" -gt 1 ] || fail "no $call: the command does not write as it did"
  done
  note "$kind: killed at each of $count calls"
}

for name in one two; do
  case $name in
    one) make_luks1 one 256K ;;
    two) make_luks2 two 256K ;;
  esac
  secret=$tmp/$name.secret
  restore=("$program" header restore "$tmp/edited" --input "$tmp/backup" --keep-old "$tmp/kept")
  rm -f "$tmp/backup"
  exits 0 "$program" header backup "$tmp/$name.header" --output "$tmp/backup"
  cp "$tmp/$name.header" "$tmp/now"
  # Both are in the same key slot.
  other_key "$tmp/now" "$secret" "$tmp/second"
  killed file pwrite64,pwritev2 fsync renameat2 fchmod rename
  # More than a header: it is written where it is.
  noise 64K >>"$tmp/now"
  noise 8M >>"$tmp/now"
  killed in-place pwrite64,pwritev2 fsync renameat2 fdatasync
done
