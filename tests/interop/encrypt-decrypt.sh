#!/bin/bash
# encrypt makes a volume that cryptsetup opens, and whose data libgcrypt and QEMU decrypt; decrypt gives the same
# bytes back, holes for zeros. Sources and targets are files, devices, servers and images.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"
. "$here/qemu_luks.sh"
. "$here/copy.sh"

new_secret two.secret
plain_image "$tmp/plain" 20M
original=$(sha256sum <"$tmp/plain")

note "a file into a file"
encrypts two "$tmp/plain"
says "^$tmp/two.header: a LUKS2 header for $tmp/two.payload: aes-xts-plain64, key of 512 bits, sectors of 4096 bytes\$"
says "^$tmp/two.payload: has the 20 MiB of $tmp/plain, read back and compared\$"
[ "$(stat -c '%a %s' "$tmp/two.header" "$tmp/two.payload")" = "600 16777216
600 20971520" ] || fail "$(stat "$tmp"/two.*)"
opens "$tmp/two.header" "$tmp/two.secret"
sound "$tmp/two.header"
decrypted two 4096 | same "$tmp/plain" /dev/stdin
nothing_unfinished

note "and back, with holes"
decrypts two "$tmp/back"
says "^$tmp/back: has the 20 MiB of $tmp/two.payload, plain, read back and compared\$"
same "$tmp/plain" "$tmp/back"
[ "$(stat -c %a "$tmp/back")" = 600 ] || fail "$(stat "$tmp/back")"
[ "$(du -k "$tmp/back" | cut -f1)" -lt 2048 ] || fail "no holes: $(du -k "$tmp/back")"
nothing_unfinished

note "on a terminal it shows how far it is"
printf -v command '%q ' "$program" decrypt --header "$tmp/two.header" --payload "$tmp/two.payload" --secret "$tmp/two.secret" "$tmp/seen"
script -qefc "$command" /dev/null </dev/null >"$tmp/said"
matches 'copied 100% .*20.0 MiB of 20.0 MiB, [0-9.]+ [KMG]iB/s, 0:00:00 left' "$tmp/said"
matches 'verified 100% ' "$tmp/said"

note "it can be served"
parameters two
serve "${parameters[@]}"
reads_all() { nbdcopy "$uri" - | same "$tmp/plain" /dev/stdin; }
reads_all
stop "$server"

note "LUKS1, which QEMU reads"
new_secret one.secret
encrypts one "$tmp/plain" --luks 1 --json
jq -e '.done and .version == 1 and .sector_size == 512 and .size == 20971520 and .already_there == 0 and .warnings == []' "$tmp/said" >/dev/null ||
  fail "$(cat "$tmp/said")"
opens "$tmp/one.header" "$tmp/one.secret"
join one
qemu_read one | same "$tmp/plain" /dev/stdin
decrypts one "$tmp/back1" --json
jq -e '.done and .size == 20971520 and .already_there == 0 and .warnings == []' "$tmp/said" >/dev/null || fail "$(cat "$tmp/said")"
same "$tmp/plain" "$tmp/back1"
decrypts one "$tmp/back1" --json
jq -e '.done and .already_there == 20971520' "$tmp/said" >/dev/null || fail "$(cat "$tmp/said")"

note "other ciphers and sectors"
for options in '--cipher aes-cbc-essiv:sha256 --sector-size 1024' '--key-size 256 --sector-size 512' '--cipher serpent-xts-plain64'; do
  rm -f "$tmp"/other.* "$tmp/back"
  new_secret other.secret
  # shellcheck disable=SC2086  # words
  encrypts other "$tmp/plain" $options
  decrypts other "$tmp/back"
  same "$tmp/plain" "$tmp/back"
done

note "what has no whole sectors of 4096 bytes"
head -c $((1024 * 1024 + 512)) "$tmp/plain" >"$tmp/odd"
new_secret odd.secret
encrypts odd "$tmp/odd"
decrypted odd 512 | same "$tmp/odd" /dev/stdin

note "a qcow2 image into a server's payload, and back into a qcow2 image"
qemu-img convert -O qcow2 "$tmp/plain" "$tmp/plain.qcow2"
new_secret far.secret
truncate -s 24M "$tmp/far.payload"
serve_plain file "$tmp/far.payload"
exits 0 "$program" encrypt "qemu:qcow2:$tmp/plain.qcow2" --header "$tmp/far.header" --payload "$uri" --secret "$tmp/far.secret" "${cheap_keyslot[@]}"
qemu-img create -q -f qcow2 "$tmp/back.qcow2" 24M
exits 0 "$program" decrypt --header "$tmp/far.header" --payload "$uri" --secret "$tmp/far.secret" "qemu:qcow2:$tmp/back.qcow2"
stop "$server"
decrypted far 4096 >"$tmp/decrypted"
cmp -n 20971520 "$tmp/plain" "$tmp/decrypted"
qemu-img convert -O raw "$tmp/back.qcow2" "$tmp/back.raw"
cmp -n 20971520 "$tmp/plain" "$tmp/back.raw"
nothing_unfinished

note "what is encrypted as it is, with a warning"
for source in "$tmp/plain.qcow2" "$tmp/ordinary"; do
  rm -f "$tmp"/far.header "$tmp"/as-it-is*
  [ -e "$source" ] || { truncate -s 20M "$source" && cryptsetup luksFormat --batch-mode "${cheap_pbkdf2[@]}" --key-file "$tmp/far.secret" "$source"; }
  truncate -s %512 "$source"
  exits 0 "$program" encrypt "$source" --header "$tmp/far.header" --payload "$tmp/as-it-is" --secret "$tmp/far.secret" "${cheap_keyslot[@]}"
  case $source in
    *.qcow2) says 'warning: source .*plain.qcow2 is a qcow2 image, .* qemu:qcow2:PATH' ;;
    *) says 'warning: source .*ordinary is a LUKS volume, .*detach' ;;
  esac
done

[ "$original" = "$(sha256sum <"$tmp/plain")" ] || fail "the source was written"
