#!/bin/bash
# encrypt and detach put the header on a server as create does: on zeros, or with --force on anything; it is there
# when all is done, and what was interrupted goes on.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"
. "$here/faults.sh"
. "$here/copy.sh"
. "$here/ordinary.sh"

new_secret one.secret
plain_image "$tmp/plain" 3M
truncate -s 4M "$tmp/one.header"
serve_plain file "$tmp/one.header"
place=$uri
luks1=(--luks 1 "${cheap_keyslot[@]}")
encrypt=("$program" encrypt "$tmp/plain" --header "$place" --payload "$tmp/one.payload" --secret "$tmp/one.secret" "${luks1[@]}")
is_right() {
  opens "$tmp/one.header" "$tmp/one.secret"
  rm -f "$tmp/one.key" "$tmp/one.rawkey"
  decrypted one 512 | same "$tmp/plain" /dev/stdin
}

note "encrypt"
exits 0 "${encrypt[@]}"
is_right
nothing_unfinished

note "not over a header"
rm "$tmp/one.payload"
cp "$tmp/one.header" "$tmp/before"
exits 4 "${encrypt[@]}"
says 'something in header .*--force'
same "$tmp/before" "$tmp/one.header"
exits 0 "${encrypt[@]}" --force
is_right

note "killed"
killed=0
for call in sendto pwrite64,pwritev2 fdatasync renameat2; do
  case $call in sendto) step=$(rounds 5 15) ;; *) step=1 ;; esac
  for ((number = 1; ; number += step)); do
    rm -f "$tmp"/one.payload*
    truncate -s 0 "$tmp/one.header"
    truncate -s 4M "$tmp/one.header"
    killed_at $call "$number" "${encrypt[@]}" || break
    killed=$((killed + 1))
    if "$program" inspect "$tmp/one.header" >/dev/null 2>&1; then
      is_right
    elif "${encrypt[@]}" >"$tmp/said" 2>&1; then
      is_right
    else
      # While it was being written: neither zeros nor a header that could be gone on with.
      says 'something in header .*--force'
      exits 0 "${encrypt[@]}" --force
      is_right
    fi
  done
done
[ $killed -gt 10 ] || fail "killed $killed times"
note "$killed times"

note "taken up again"
rm -f "$tmp"/one.payload*
truncate -s 0 "$tmp/one.header"
truncate -s 4M "$tmp/one.header"
killed_at fdatasync 1 "${encrypt[@]}" || fail "not killed"
exits 4 "$program" create --header "$place" --payload "$tmp/plain" --secret "$tmp/one.secret"
says 'something in header'
exits 2 "${encrypt[@]}" --cipher aes-cbc-essiv:sha256
says 'attempt with other options'
exits 0 "${encrypt[@]}"
says 'An earlier attempt was continued, which had done [1-9]'
is_right

note "too small a place"
truncate -s 1M "$tmp/small"
serve_plain file "$tmp/small"
rm "$tmp/one.payload"
exits 2 "${encrypt[@]//$place/$uri}"
says 'its place has 1048576 bytes, the header has'
[ ! -e "$tmp/one.payload.unfinished" ] || fail "something was copied"
stop "$server"

note "detach in place, and only then is the old header wiped"
make_ordinary_luks1 v
truncate -s 4M "$tmp/v.header"
serve_plain file "$tmp/v.header"
place=$uri
detach=("$program" detach "$tmp/v.volume" --header "$place" --secret "$tmp/v.secret")
exits 0 "${detach[@]}"
end=$("$program" inspect --json "$tmp/v.volume" | jq .header_size)
cmp -n "$end" "$tmp/v.volume" "$tmp/v.header"
same "$tmp/v.original" "$tmp/v.volume"
exits 0 "${detach[@]}" --wipe-header
exits 0 "${detach[@]}" --wipe-header
cmp -n "$end" "$tmp/v.volume" /dev/zero
cmp -n "$end" "$tmp/v.original" "$tmp/v.header"
opens "$tmp/v.header" "$tmp/v.secret"
exits 0 "$program" decrypt --header "$place" --payload "$tmp/v.volume" --secret "$tmp/v.secret" "$tmp/back"
same "$tmp/v.plain" "$tmp/back"
exits 0 "$program" attach --header "$place" --payload "$tmp/v.volume" "$tmp/v.volume"
same "$tmp/v.original" "$tmp/v.volume"

note "detach completes a header that was written in part, and overwrites nothing else"
head -c 1M /dev/zero | dd of="$tmp/v.header" conv=notrunc status=none
exits 0 "${detach[@]}"
cmp -n "$end" "$tmp/v.original" "$tmp/v.header"
noise 512 | dd of="$tmp/v.header" bs=512 seek=9 conv=notrunc status=none
exits 4 "${detach[@]}"
says 'has something at byte 4608.*--force'
exits 0 "${detach[@]}" --force
cmp -n "$end" "$tmp/v.original" "$tmp/v.header"

note "detach, the data into a payload of their own"
truncate -s 0 "$tmp/v.header"
truncate -s 4M "$tmp/v.header"
exits 0 "${detach[@]}" --payload "$tmp/v.payload"
opens "$tmp/v.header" "$tmp/v.secret"
decrypted v 512 | same "$tmp/v.plain" /dev/stdin
stop "$server"

note "the only header is not wiped where the other one cannot be made durable"
cat >"$tmp/bare.sh" <<END
case \$1 in
  get_size) echo 4194304 ;;
  pread) dd if="$tmp/v.header" iflag=skip_bytes,count_bytes skip=\$4 count=\$3 status=none ;;
  can_write) exit 0 ;;
  pwrite) dd of="$tmp/v.header" oflag=seek_bytes seek=\$4 conv=notrunc status=none ;;
  can_fua) echo none ;;
  can_flush) exit 3 ;;
  *) exit 2 ;;
esac
END
chmod +x "$tmp/bare.sh"
truncate -s 0 "$tmp/v.header"
truncate -s 4M "$tmp/v.header"
serve_plain sh "$tmp/bare.sh"
exits 4 "${detach[@]//$place/$uri}" --wipe-header
says 'warning: .*cannot be told to make a change durable'
says 'cannot be told to make it durable, so .* was not wiped'
same "$tmp/v.original" "$tmp/v.volume"
