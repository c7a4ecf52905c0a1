#!/bin/bash
# After a power cut at any moment of create, encrypt or decrypt, what has its name is complete: a header opens, and its
# payload is there and decrypts to what it was made of; encrypt and decrypt, given again, complete it.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"
. "$here/copy.sh"
. "$here/power_cut.sh"

mkdir -p "$disk/headers" # a folder of its own is flushed by itself
new_secret one.secret
plain_image "$tmp/plain" 2500K
volume=(--header "$disk/headers/header" --payload "$disk/payload" --secret "$tmp/one.secret")
luks1=(--luks 1 "${cheap_keyslot[@]}")

# is_found NAME: what was copied and flushed, though it is unfinished, so that the same command goes on with it.
is_found() {
  case $cut in *"(fdatasync)"*) [ -e "$state/$1.unfinished" ] || lost "all that was copied is lost" ;; esac
}

look_create() {
  [ ! -e "$state/headers/header" ] && return
  cut_opens "$state/headers/header" "$tmp/one.secret" || lost "the header does not open"
  [ "$(stat -c %s "$state/payload")" = 1048576 ] || lost "there is no payload"
}
command=("$program" create "${volume[@]}" --payload-size 1M "${luks1[@]}")
power_cuts create

look_encrypt() {
  is_found payload
  [ ! -e "$state/headers/header" ] || is_encrypted
}
# When it had done everything already it does not make another volume.
again_encrypt() {
  local status=0
  [ ! -e "$state/headers/header" ] || status=4
  again $status
  is_encrypted
}
is_encrypted() {
  cut_opens "$state/headers/header" "$tmp/one.secret" || lost "the header does not open"
  rm -f "$tmp"/one.{key,rawkey}
  cp "$state/headers/header" "$tmp/one.header"
  cp "$state/payload" "$tmp/one.payload" || lost "there is no payload"
  decrypted one 512 | cmp -s - "$tmp/plain" || lost "the payload does not have the data"
}
rm "$disk/payload" "$disk/headers/header"
command=("$program" encrypt "$tmp/plain" "${volume[@]}" "${luks1[@]}")
power_cuts encrypt 10

# What writes the header then is a server that the command starts.
rm "$disk/payload" "$disk/headers/header"
truncate -s 4M "$disk/headers/header"
look_elsewhere() { [ "$(head -c 4 "$state/headers/header" | tr -d '\0')" != LUKS ] || is_encrypted; }
again_elsewhere() {
  "${command[@]//$disk/$state}" >"$tmp/said" 2>&1 || {
    says 'something in header .*--force' # what was torn there, or all of it
    again_forced
  }
  is_encrypted
}
again_forced() { exits 0 "${command[@]//$disk/$state}" --force; }
command=("${command[@]/$disk\/headers\/header/nbdkit:file?file=$disk/headers/header}")
power_cuts elsewhere 25

look_decrypt() {
  is_found plain
  cmp -s "$state/payload" "$disk/payload" || lost "the payload has changed"
  [ ! -e "$state/plain" ] || is_decrypted
}
again_decrypt() {
  again
  is_decrypted
}
is_decrypted() { cmp -s "$state/plain" "$tmp/plain" || lost "the target does not have the data"; }
command=("$program" decrypt "${volume[@]}" "$disk/plain")
power_cuts decrypt 10

look_replace() { cmp -s "$state/plain" "$tmp/other" || is_decrypted; }
again_replace() { again_decrypt; }
noise 3000K >"$tmp/other"
cp "$tmp/other" "$disk/plain"
command+=(--force)
power_cuts replace 10
