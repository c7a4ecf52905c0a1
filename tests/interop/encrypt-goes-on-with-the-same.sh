#!/bin/bash
# What encrypt has left when it was interrupted is gone on with only for a source of the same size, and with the
# same secret and options: of a larger source the rest would stay in a payload that is larger still.
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
  [ "$2" = 1 ] || options+=(--label mine)
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
    cmp -s -n 2097152 "$tmp/before" /dev/zero && fail "nothing was written"
    for force in '' --force; do
      exits 2 "$program" encrypt "$tmp/shorter" "${options[@]}" --secret "$tmp/one.secret" $force
      says 'header .* is of an attempt with a source of 3145728 bytes, and this one has 1048576: give that source, or (remove|overwrite) .*header'
      for other in '--sector-size 2048' '--key-size 256' '--uuid 11111111-2222-3333-4444-555555555555' '--label other'; do
        [ "$version $other" != '1 --label other' ] || continue
        # shellcheck disable=SC2086  # two words
        exits 2 "${encrypt[@]/mine/other}" ${other/--label other/} $force
        says 'header .* is of an attempt with other options: .* a key of 512 bits, .* the UUID [-0-9a-f]* and (no|the) label( mine)?; give the same ones, or (remove|overwrite) .*header'
      done
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

note "what has the name of an unfinished header, and is none of an earlier attempt"
encrypt=("$program" encrypt "$tmp/plain" --header "$tmp/new" --payload "$tmp/new.payload" --secret "$tmp/one.secret" "${cheap_keyslot[@]}")
unfinished=$tmp/new.unfinished
refused_as_it_is() {
  exits 2 "${encrypt[@]}"
  says "new.unfinished is not(, or not any more,)? what an earlier attempt .*(remove .*new.unfinished|remove it) to begin anew"
  rm -f "$unfinished"
}
(umask 077 && cp "$tmp/one.header" "$unfinished") # a whole header, of another volume
refused_as_it_is
(umask 077 && : >"$unfinished")
refused_as_it_is
ln -s one.header "$unfinished"
refused_as_it_is
ln "$tmp/one.header" "$unfinished"
refused_as_it_is
cp "$tmp/one.header" "$unfinished" && chmod 0644 "$unfinished"
refused_as_it_is
[ ! -e "$tmp/new.payload.unfinished" ] || fail "something was copied"

note "the same command twice at once: one of them completes it"
"${encrypt[@]/#1000/3000000}" >"$tmp/first" 2>&1 &
first=$!
status=0
"${encrypt[@]/#1000/3000000}" >"$tmp/second" 2>&1 || status=$?
if wait $first; then [ $status != 0 ]; else [ $status = 0 ]; fi || fail "$(cat "$tmp/first" "$tmp/second")"
opens "$tmp/new" "$tmp/one.secret"
exits 0 "$program" decrypt --header "$tmp/new" --payload "$tmp/new.payload" --secret "$tmp/one.secret" "$tmp/back"
same "$tmp/plain" "$tmp/back"
nothing_unfinished
rm "$tmp/new" "$tmp/new.payload"

note "killed when the header has its name: complete, and nothing is left when the command is given again"
status=0
{ # where bash says that it was killed
  "${without_leak_check[@]}" strace -f -qq -o /dev/null -P "$unfinished" -e trace=unlink -e inject=unlink:signal=KILL \
    "${encrypt[@]}" </dev/null >"$tmp/said" 2>&1 || status=$?
} 2>/dev/null
[ $status = 137 ] || fail "status $status: $(cat "$tmp/said")"
[ -e "$unfinished" ] || fail "nothing is left to be removed"
opens "$tmp/new" "$tmp/one.secret"
exits 4 "${encrypt[@]}"
says 'header .*new exists'
nothing_unfinished

note "a name that leads nowhere"
ln -s nowhere "$tmp/link"
exits 4 "${encrypt[@]/"$tmp/new"/"$tmp/link"}"
says 'header .*link exists'

note "with --force over a larger header: that is gone at once"
cryptsetup luksFormat --batch-mode --type luks2 "${cheap_pbkdf2[@]}" --luks2-metadata-size 4m --luks2-keyslots-size 16m --key-file "$tmp/other.secret" \
  --header "$tmp/larger" "$tmp/plain"
serve_plain file "$tmp/larger"
killed_at fdatasync 1 "$program" encrypt "$tmp/plain" --header "$uri" --payload "$tmp/other.payload" --secret "$tmp/one.secret" \
  "${cheap_keyslot[@]}" --luks 1 --force || fail "not killed"
! cryptsetup isLuks "$tmp/larger" || fail "there is a header"
! cryptsetup open --test-passphrase --key-file "$tmp/other.secret" "$tmp/larger" 2>/dev/null || fail "the old one opens"
