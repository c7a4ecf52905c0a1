#!/bin/bash
# detach makes a header and a payload of cryptsetup's ordinary volumes, and attach an ordinary volume of these: what
# each made cryptsetup opens, and libgcrypt and QEMU decrypt; the data move as they are, or not at all.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"
. "$here/copy.sh"
. "$here/ordinary.sh"

detaches() { exits 0 "$program" detach "$tmp/$1.volume" --header "$tmp/$1.header" --secret "$tmp/$1.secret" "${@:2}"; }
attaches() { exits 0 "$program" attach --header "$tmp/$1.header" --payload "$tmp/$1.payload" "$2" "${@:3}"; }

for kind in 'luks1' 'luks2 --sector-size 512' 'luks2 --sector-size 4096'; do
  # shellcheck disable=SC2086  # words
  set -- $kind
  "make_ordinary_$1" v "${@:2}"
  sector=$(sector_of "$tmp/v.volume")

  note "$kind: the data into a payload of their own, and back"
  detaches v --payload "$tmp/v.payload" --json
  jq -e ".done and .offset == 0 and .size == $((8388608 - offset)) and .header_wiped == false and .already_there == 0" "$tmp/said" >/dev/null ||
    fail "$(cat "$tmp/said")"
  same "$tmp/v.original" "$tmp/v.volume"
  [ "$(offset_of "$tmp/v.header")" = 0 ] || fail "offset $(offset_of "$tmp/v.header")"
  opens "$tmp/v.header" "$tmp/v.secret"
  sound "$tmp/v.header"
  cryptsetup luksDump "$tmp/v.header" >"$tmp/dump"
  matches '^Payload offset:\s*0$|offset: 0 \[bytes\]' "$tmp/dump"
  decrypted v "$sector" | same "$tmp/v.plain" /dev/stdin
  decrypts v "$tmp/back"
  same "$tmp/v.plain" "$tmp/back"
  attaches v "$tmp/again"
  says "^$tmp/again: an ordinary LUKS${1#luks} volume: .* which begin at byte $(offset_of "$tmp/again")\$"
  is_ordinary "$tmp/again" v
  nothing_unfinished
  rm "$tmp"/{again,back,v.header,v.payload}

  note "$kind: in place, and back"
  detaches v
  says "$tmp/v.volume: still has its header"
  same "$tmp/v.original" "$tmp/v.volume"
  detaches v --wipe-header
  says "$tmp/v.volume: has no header any more"
  end=$(stat -c %s "$tmp/v.header")
  cmp -n "$end" "$tmp/v.volume" /dev/zero
  tail -c "+$((offset + 1))" "$tmp/v.volume" | same /dev/stdin <(tail -c "+$((offset + 1))" "$tmp/v.original")
  opens "$tmp/v.header" "$tmp/v.secret"
  exits 0 "$program" decrypt --header "$tmp/v.header" --payload "$tmp/v.volume" --secret "$tmp/v.secret" "$tmp/back"
  same "$tmp/v.plain" "$tmp/back"
  exits 0 "$program" attach --header "$tmp/v.header" --payload "$tmp/v.volume" "$tmp/v.volume"
  is_ordinary "$tmp/v.volume" v
  cmp -n "$end" "$tmp/v.volume" "$tmp/v.original"
  rm "$tmp"/{back,v.header}
done

note "QEMU reads an ordinary LUKS1 volume that attach has made"
make_ordinary_luks1 v
detaches v --payload "$tmp/v.payload"
attaches v "$tmp/again"
qemu-img convert --object "secret,id=s,file=$tmp/v.secret" --image-opts -O raw "driver=luks,key-secret=s,file.filename=$tmp/again" "$tmp/qemu.raw"
same "$tmp/v.plain" "$tmp/qemu.raw"

note "over servers, and onto what is there with --force"
make_ordinary_luks2 far
truncate -s 8M "$tmp/far.payload" "$tmp/far.again"
serve_plain file dir="$tmp"
far() { printf 'nbd+unix:///%s?socket=%s' "$1" "$socket"; }
exits 0 "$program" detach "$(far far.volume)" --header "$tmp/far.header" --payload "$(far far.payload)" --secret "$tmp/far.secret"
decrypted far "$(sector_of "$tmp/far.header")" >"$tmp/decrypted"
cmp -n "$(stat -c %s "$tmp/far.plain")" "$tmp/far.plain" "$tmp/decrypted"
exits 1 "$program" attach --header "$tmp/far.header" --payload "$tmp/v.payload" "$(far far.volume)"
says 'has 8388608 bytes, header and data need'
truncate -s 1M "$tmp/v.payload"
exits 4 "$program" attach --header "$tmp/far.header" --payload "$tmp/v.payload" "$(far far.volume)"
says 'holds a LUKS header.*--force'
truncate -s "$(stat -c %s "$tmp/far.plain")" "$tmp/far.payload"
truncate -s 16M "$tmp/far.again"
exits 0 "$program" attach --header "$tmp/far.header" --payload "$tmp/far.payload" "$(far far.again)"
says 'warning: volume .* its last [0-9]* bytes are more than the payload has'
truncate -s $(($(offset_of "$tmp/far.again") + $(stat -c %s "$tmp/far.plain"))) "$tmp/far.again"
is_ordinary "$tmp/far.again" far
stop "$server"

note "what is refused"
make_ordinary_luks2 v
cp "$tmp/v.volume" "$tmp/before"
serve "header=$tmp/v.volume" "payload=$tmp/v.volume" "secret=$tmp/v.secret"
exits 1 "$program" detach "$tmp/v.volume" --header "$tmp/new" --secret "$tmp/v.secret"
says "has it locked"
exits 1 "$program" attach --header "$tmp/v.volume" --payload "$tmp/v.volume" "$tmp/new"
says 'has it locked'
stop "$server"
[ ! -e "$tmp/new" ] || fail "something was made"
refuses() {
  exits "$1" "$program" "${@:3}"
  says "^luksdetached: .*$2"
  note "$(tail -n 1 "$tmp/said")"
  same "$tmp/before" "$tmp/v.volume"
}
secret=(--secret "$tmp/v.secret")
new_secret wrong
refuses 3 'does not match any key slot' detach "$tmp/v.volume" --header "$tmp/new" --secret "$tmp/wrong"
[ ! -e "$tmp/new" ] || fail "a header"
refuses 2 'given twice' detach "$tmp/v.volume" --header "$tmp/v.volume" "${secret[@]}" --force
refuses 2 'given twice' detach "$tmp/v.volume" --header "$tmp/new" --payload "$tmp/v.volume" "${secret[@]}" --force
refuses 2 'wipe-header is for data that stay' detach "$tmp/v.volume" --header "$tmp/new" --payload "$tmp/x" --wipe-header "${secret[@]}"
refuses 4 'header .* exists.*--force' detach "$tmp/v.volume" --header "$tmp/far.header" "${secret[@]}"
refuses 4 'header .* exists.*--force' detach "$tmp/v.volume" --header "$tmp/far.header" --payload "$tmp/x" "${secret[@]}"
refuses 4 'payload .* exists.*--force' detach "$tmp/v.volume" --header "$tmp/new" --payload "$tmp/far.payload" "${secret[@]}"
refuses 4 'a header and no data' detach "$tmp/far.header" --header "$tmp/new" --secret "$tmp/far.secret"
refuses 4 'there is no room for it' attach --header "$tmp/far.header" --payload "$tmp/far.payload" "$tmp/far.payload"
refuses 4 'volume .* exists.*--force' attach --header "$tmp/far.header" --payload "$tmp/far.payload" "$tmp/v.volume"
refuses 2 'given twice' attach --header "$tmp/far.header" --payload "$tmp/far.payload" "$tmp/far.header" --force
"$program" detach "$tmp/v.volume" --header "$tmp/v.header" "${secret[@]}" >/dev/null
noise 4096 | dd of="$tmp/v.volume" bs=4096 seek=1 conv=notrunc status=none
cp "$tmp/v.volume" "$tmp/before"
refuses 4 'has something at byte 4096' attach --header "$tmp/v.header" --payload "$tmp/v.volume" "$tmp/v.volume"
exits 0 "$program" attach --header "$tmp/v.header" --payload "$tmp/v.volume" "$tmp/v.volume" --force
is_ordinary "$tmp/v.volume" v

note "before it is wiped the header's copy is read from its storage, and opens the volume"
make_ordinary_luks2 proof
detach=("$program" detach "$tmp/proof.volume" --header "$tmp/proof.header" --secret "$tmp/proof.secret")
exits 0 "${detach[@]}"
"${without_leak_check[@]}" strace -f -y -o "$tmp/trace" -e trace=fadvise64,pread64,pwrite64,pwritev2 "${detach[@]}" --wipe-header >"$tmp/said" 2>&1 </dev/null ||
  fail "$(cat "$tmp/said")"
sed -E '/pwrite(64|v2)\(.*proof.volume/,$d' "$tmp/trace" | sed -n '/fadvise64(.*proof.header.*POSIX_FADV_DONTNEED/,$p' >"$tmp/proof"
matches 'pread64\(.*proof.header' "$tmp/proof"

note "no header when the payload's server has something else for who comes later"
make_ordinary_luks2 stale
truncate -s 8M "$tmp/stale.payload"
serve_plain eval open="echo >>$tmp/opened; wc -l <$tmp/opened" get_size='echo 8M' flush=true \
  pwrite="dd of=$tmp/stale.payload oflag=seek_bytes seek=\$4 conv=notrunc status=none" \
  pread="[ \$2 = 1 ] || exec head -c \$3 /dev/zero
    dd if=$tmp/stale.payload iflag=skip_bytes,count_bytes skip=\$4 count=\$3 status=none"
exits 1 "$program" detach "$tmp/stale.volume" --header "$tmp/stale.header" --payload "$uri" --secret "$tmp/stale.secret"
says 'does not have the data of volume .*, so no header was written'
[ ! -e "$tmp/stale.header" ] || fail "a header"
