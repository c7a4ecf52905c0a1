#!/bin/bash
# Linux attaches the export with README's nbd-client line and keeps a file system on it; dm-crypt finds
# the same bytes in the payload with the same header, and what dm-crypt writes, the export reads. The
# volumes are made by our commands, and dm-crypt reads what each of them has made of others.
. "$(dirname -- "$0")/../interop/lib.sh"
. "$here/../interop/service.sh"
. "$here/../interop/edit.sh"
. "$here/../interop/copy.sh"
. "$here/../interop/ordinary.sh"
. "$here/../vm/lib.sh"

creates() { # NAME OPTION…
  new_secret "$1.secret"
  exits 0 "$program" create --header "$tmp/$1.header" --payload "$tmp/$1.payload" --payload-size 24M \
    --secret "$tmp/$1.secret" "${cheap_keyslot[@]}" "${@:2}"
}
creates luks1 --luks 1
creates luks2-512 --sector-size 512
creates luks2-4096 --sector-size 4096
volumes=(luks1 luks2-512 luks2-4096)

# What others have is in $tmp/NAME.plain; "attached" is an ordinary volume.
plain_image "$tmp/encrypted.plain" 3M
new_secret encrypted.secret
encrypts encrypted "$tmp/encrypted.plain" --luks 1
cp "$tmp/encrypted.plain" "$tmp/changed.plain"
cp "$tmp/encrypted.payload" "$tmp/changed.payload"
cp "$tmp/encrypted.header" "$tmp/changed.header"
new_secret changed.secret
exits 0 "$program" key change "$tmp/changed.header" --secret "$tmp/encrypted.secret" --new-secret "$tmp/changed.secret" "${cheap_keyslot[@]}"
for name in detached wiped; do make_ordinary_luks2 $name --sector-size 4096; done
exits 0 "$program" detach "$tmp/detached.volume" --header "$tmp/detached.header" --payload "$tmp/detached.payload" --secret "$tmp/detached.secret"
exits 0 "$program" detach "$tmp/wiped.volume" --header "$tmp/wiped.header" --secret "$tmp/wiped.secret" --wipe-header
mv "$tmp/wiped.volume" "$tmp/wiped.payload"
cp "$tmp/encrypted.plain" "$tmp/attached.plain"
cp "$tmp/encrypted.secret" "$tmp/attached.secret"
exits 0 "$program" attach --header "$tmp/encrypted.header" --payload "$tmp/encrypted.payload" "$tmp/attached.payload"
made=(encrypted changed detached wiped attached)

for volume in "${volumes[@]}" "${made[@]}"; do
  cp "$tmp/$volume.secret" "$tmp/guest/"
  [ "$volume" = attached ] || cp "$tmp/$volume.header" "$tmp/guest/"
done
guest_cpus=2 # so that several connections are busy at once
boot

# README's line, to TCP: a guest cannot reach the host's unix sockets. On /dev/nbd0.
attach=$(fenced nbd-client)
[[ $attach =~ ^nbd-client\ -unix\ [^\ ]+\ .*\ /dev/nbd0$ ]] || fail "README has another line: $attach"
attached_to() { # PORT [OPTION…]
  local line
  line=$(sed "s#-unix [^ ]*#10.0.2.2 $1#" <<<"$attach")
  guest "$line ${*:2}"
}

# with_the_export VOLUME SCRIPT [OPTION…]: the guest does SCRIPT to /dev/nbd0, which is our export.
with_the_export() {
  parameters "$1"
  serve_tcp 127.0.0.1 "${parameters[@]}"
  attached_to "$port" "${@:3}"
  connections=$(ss -Htn state established sport = ":$port" | wc -l)
  guest "$2
    detach /dev/nbd0"
  stop "$server"
}

# with_dm_crypt VOLUME SCRIPT: to /dev/mapper/plain, which the kernel decrypts.
with_dm_crypt() {
  serve_plain_tcp 127.0.0.1 file "$tmp/$1.payload"
  attached_to "$port"
  guest "header=/host/$1.header
    [ -e \$header ] || header=/dev/nbd0 # of an ordinary volume
    cryptsetup open --header \$header --key-file /host/$1.secret /dev/nbd0 plain
    $2
    cryptsetup close plain
    detach /dev/nbd0"
  stop "$server"
}

for volume in "${volumes[@]}"; do
  note "$volume"
  header=$(sha256sum <"$tmp/$volume.header")
  with_the_export $volume 'fill /dev/nbd0 by-us'
  [ "$connections" = 1 ] || fail "$connections connections"
  with_dm_crypt $volume 'has /dev/mapper/plain by-us; fill /dev/mapper/plain by-dm'
  with_the_export $volume 'has /dev/nbd0 by-dm'
  [ "$header" = "$(sha256sum <"$tmp/$volume.header")" ] || fail "the header was written"
done

note "four connections, and as many writers in sectors next to one another"
with_the_export luks2-4096 'fill /dev/nbd0 by-four
  for writer in 0 1 2 3; do
    (for block in $(seq $writer 4 399); do
      printf "%512s" "$writer $block" | dd of=/dev/nbd0 bs=512 seek=$block oflag=direct 2>/dev/null
    done) &
  done
  wait
  for block in $(seq 0 399); do printf "%512s" "$((block % 4)) $block"; done >/tmp/blocks
  dd if=/dev/nbd0 bs=512 count=400 2>/dev/null | cmp - /tmp/blocks
  sum /dev/nbd0 >/tmp/sum.by-four' -C 4
[ "$connections" = 4 ] || fail "$connections connections"
with_dm_crypt luks2-4096 '[ "$(sum /dev/mapper/plain)" = "$(cat /tmp/sum.by-four)" ]'

for volume in "${made[@]}"; do
  note "$volume"
  with_dm_crypt "$volume" 'sum /dev/mapper/plain' >"$tmp/sum"
  [ "$(sha256sum <"$tmp/$volume.plain")" = "$(tail -n 1 "$tmp/sum")" ] || fail "dm-crypt reads something else: $(cat "$tmp/sum")"
done
