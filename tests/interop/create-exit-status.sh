#!/bin/bash
# create never goes over existing data without --force, refuses what it cannot make, and leaves nothing behind
# then.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"

make_luks2 two 256K
make_luks2 other 256K
new_secret secret
noise 1M >"$tmp/payload"
new=$tmp/new.header

everything() { find "$tmp" -maxdepth 1 ! -name said -type f -exec sha256sum {} + | sort; }
# refuses STATUS REGEX ARGUMENT…
refuses() {
  local before
  before=$(everything)
  exits "$1" "$program" create "${cheap_keyslot[@]}" "${@:3}"
  says "^luksdetached: .*$2"
  note "$(cat "$tmp/said")"
  [ "$before" = "$(everything)" ] || fail "something changed"
}
with=(--payload "$tmp/payload" --secret "$tmp/secret")

note "existing data"
refuses 4 'something in header .*--force' --header "$tmp/two.header" "${with[@]}"
refuses 4 'something in header .*--force' --header "$tmp/other.payload" "${with[@]}"
refuses 4 'exists; without --payload-size' --header "$new" "${with[@]}" --payload-size 1M
refuses 4 'holds a LUKS header.*--force' --header "$new" --payload "$tmp/two.header" --secret "$tmp/secret"
truncate -s 8M "$tmp/ext4" "$tmp/gpt" "$tmp/swap"
mkfs.ext4 -q "$tmp/ext4"
refuses 4 'holds ext4.*--force' --header "$new" --payload "$tmp/ext4" --secret "$tmp/secret"
mkswap "$tmp/swap" >/dev/null
refuses 4 'holds swap.*--force' --header "$new" --payload "$tmp/swap" --secret "$tmp/secret"
serve_plain file "$tmp/two.header"
refuses 4 'something in header .*--force' --header "$uri" "${with[@]}"
stop "$server"

note "header and payload in one place"
truncate -s 32M "$tmp/blank"
for force in '' --force; do
  refuses 2 'blank is given twice' --header "$tmp/blank" --payload "$tmp/blank" --secret "$tmp/secret" $force
  refuses 2 'secret is given twice' --header "$tmp/header" --payload "$tmp/secret" --secret "$tmp/secret" $force
  refuses 2 'secret is given twice' --header "$tmp/secret" --payload "$tmp/payload" --secret "$tmp/secret" $force
  refuses 2 'payload is given twice' --header "$tmp/payload" "${with[@]}" --payload-size 1M $force
done

note "with --force"
cp "$tmp/ext4" "$tmp/before"
exits 0 "$program" create --header "$new" --payload "$tmp/ext4" --secret "$tmp/secret" "${cheap_keyslot[@]}" --force
same "$tmp/before" "$tmp/ext4"
cp "$tmp/secret" "$tmp/second"
exits 0 "$program" create --header "$tmp/other.header" "${with[@]}" "${cheap_keyslot[@]}" --payload-size 2M --force
opens "$tmp/other.header" "$tmp/secret"
[ "$(stat -c %s "$tmp/payload")" = 2097152 ] || fail "$(stat "$tmp/payload")"

note "what it cannot make"
rm "$new"
refuses 4 'rot13' --header "$new" "${with[@]}" --cipher rot13-xts-plain64
refuses 4 'null' --header "$new" "${with[@]}" --cipher cipher_null-ecb
refuses 2 'no keys of 320 bits' --header "$new" "${with[@]}" --key-size 320
refuses 2 'multiple of 8' --header "$new" "${with[@]}" --key-size 255
refuses 2 'LUKS1 has sectors of 512' --header "$new" "${with[@]}" --luks 1 --sector-size 4096
refuses 2 'LUKS1 has no labels' --header "$new" "${with[@]}" --luks 1 --label x
refuses 2 'label has 48 bytes.*room for 47' --header "$new" "${with[@]}" --label "$(printf %048d 1)"
refuses 2 'UUID' --header "$new" "${with[@]}" --uuid x
refuses 2 'multiple of 512' --header "$new" --payload "$tmp/new" --payload-size 1000 --secret "$tmp/secret"
refuses 2 'makes a file' --header "$new" --payload nbd://127.0.0.1/x --payload-size 1M --secret "$tmp/secret"

note "what is missing or too much"
refuses 2 '--header URI is missing' "${with[@]}"
refuses 2 '--payload URI is missing' --header "$new" --secret "$tmp/secret"
refuses 2 'no terminal' --header "$new" --payload "$tmp/payload"
refuses 2 'more than one' --header "$new" "${with[@]}" --secret "$tmp/secret"
refuses 2 'more than once' --header "$new" --header "$new" "${with[@]}"
refuses 1 'No such file.*--payload-size SIZE makes it' --header "$new" --payload "$tmp/none" --secret "$tmp/secret"
refuses 1 'No such file' --header "$tmp/none/header" --payload "$tmp/new" --payload-size 1M --secret "$tmp/secret"
: >"$tmp/empty"
refuses 1 'has 0 bytes' --header "$new" --payload "$tmp/empty" --secret "$tmp/secret"

note "killed at every call by which it writes: the header is there as a whole, with its payload, or not at all"
rm -f "$new"
for call in pwrite64 fsync renameat2; do
  for ((number = 1; ; number++)); do
    rm -f "$new" "$tmp/new"
    killed_at $call $number "$program" create --header "$new" --payload "$tmp/new" --payload-size 1M --secret "$tmp/secret" --luks 1 \
      "${cheap_keyslot[@]}" || break
    # libcryptsetup writes its memory by hundreds of calls: not each of them matters.
    [ $call != pwrite64 ] || number=$((number * 3))
    if [ -e "$new" ]; then
      opens "$new" "$tmp/secret"
      [ "$(stat -c %s "$tmp/new")" = 1048576 ] || fail "no payload"
    fi
  done
  [ "$number" -gt 1 ] || fail "no $call"
done

note "Ctrl-C when the first of both is there: both are, and it says so"
rm -f "$tmp/both.header" "$tmp/both.payload"
exits 0 "${without_leak_check[@]}" strace -f -qq -o /dev/null -e trace=renameat2 -e inject=renameat2:signal=INT:when=1 \
  "$program" create "${cheap_keyslot[@]}" --header "$tmp/both.header" --payload "$tmp/both.payload" --payload-size 1M --secret "$tmp/secret"
says 'both.header: a LUKS2 header'
opens "$tmp/both.header" "$tmp/secret"
