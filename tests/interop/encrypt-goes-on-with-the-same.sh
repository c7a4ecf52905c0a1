#!/bin/bash
# What encrypt has left when it was interrupted is gone on with only for a source of the same size and with the
# same secret: of a larger source the rest would stay in a payload that is larger still.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"
. "$here/faults.sh"
. "$here/copy.sh"

new_secret one.secret
new_secret other.secret
plain_image "$tmp/plain" 3M
noise 1M >"$tmp/shorter"
truncate -s 20M "$tmp/served.header"
serve_plain file "$tmp/served.header"
served_header=$uri

# left HEADER VERSION: an encrypt onto a server's disk failed in the middle.
left() {
  rm -f "$tmp"/one.header* "$tmp/one.key" "$tmp/one.rawkey"
  truncate -s 0 "$tmp/one.payload" "$tmp/served.header"
  truncate -s 4M "$tmp/one.payload"
  truncate -s 20M "$tmp/served.header"
  serve_bad "$tmp/one.payload"
  options=(--header "$1" --payload "$uri" --luks "$2" "${cheap_keyslot[@]}")
  encrypt=("$program" encrypt "$tmp/plain" "${options[@]}" --secret "$tmp/one.secret")
  echo 'write ENOSPC from=2097152' >"$fault"
  exits 1 "${encrypt[@]}"
  rm "$fault"
  cp "$tmp/one.payload" "$tmp/before"
}

for header in "$tmp/one.header" "$served_header"; do
  for version in 1 2; do
    note "LUKS$version, header $header"
    left "$header" $version
    cmp -s -n 65536 "$tmp/before" /dev/zero && fail "nothing was written"
    for force in '' --force; do
      exits 2 "$program" encrypt "$tmp/shorter" "${options[@]}" --secret "$tmp/one.secret" $force
      says 'header .* is of an attempt with a source of 3145728 bytes, and this one has 1048576: give that source, or (remove|overwrite) .*header'
      exits 3 "${encrypt[@]}" --secret-size 7 $force
      says 'does not match any key slot; header .* is of an earlier attempt: give its secret, or (remove|overwrite) .*header'
    done
    same "$tmp/before" "$tmp/one.payload"
    for file in "$tmp/one.header.unfinished" "$tmp/served.header"; do
      ! cryptsetup isLuks "$file" 2>/dev/null || fail "$file looks finished"
    done
    exits 0 "${encrypt[@]}"
    says 'An earlier attempt was continued'
    [ "$header" != "$served_header" ] || cp "$tmp/served.header" "$tmp/one.header"
    head -c 3M <(decrypted one "$("$program" inspect --json "$tmp/one.header" | jq .segment.sector_size)") | same "$tmp/plain" /dev/stdin
    stop_quietly "$server"
  done
done
nothing_unfinished
