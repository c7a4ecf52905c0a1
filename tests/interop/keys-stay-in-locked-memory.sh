#!/bin/bash
# All memory of the server, idle and under load, has the volume key and what the cipher makes of it in
# locked memory alone, which stays out of core dumps, and what opened the volume nowhere: whatever
# the header, whatever the cipher.
#
# AES-XTS and AES-CBC on a CPU with AES-NI keep to that in the middle of a request, too. Other ciphers
# have round keys on stack and heap as long as they transform a run of sectors, and nothing once clients
# rest.
. "$(dirname -- "$0")/lib.sh"
. "$here/hygiene.sh"

# volume CIPHER COMMAND…: a volume v. cryptsetup without a kernel makes only AES, so that another cipher
# gets its name into the header afterwards; the key stays.
volume() {
  local cipher=$1 made
  shift
  rm -f "$tmp"/v.*
  new_secret v
  case $cipher in aes-*) made=$cipher ;; *) made=aes-xts-plain64 ;; esac
  "$@" --cipher "$made"
  [ "$made" = "$cipher" ] ||
    /usr/bin/python3 "$here/edit_luks2.py" "$tmp/v.header" "json['segments']['0']['encryption'] = '$cipher'"
  material v
}

kernel=$(nbdkit "$plugin" --dump-plugin | sed -n 's/^luksdetached_aes_kernel=//p')
argon2id=(--pbkdf argon2id "${cheap_argon2[@]}")

# The cipher, and how the header is made. Between them they have each kind of header and of cipher.
while read -r cipher format; do
  note "$cipher $format"
  case $format in
    luks1*) volume "$cipher" make_luks1 v 4M --key-size "${format#luks1 }" ;;
    pbkdf2*) volume "$cipher" make_luks2 v 4M --key-size "${format#pbkdf2 }" ;;
    argon2id*) volume "$cipher" make_luks2 v 4M "${argon2id[@]}" --key-size "${format#argon2id }" ;;
  esac
  at_work=(--at-work)
  case $cipher,$kernel in *,cryptopp) ;; aes-*) at_work=() ;; esac
  parameters v
  serve "${parameters[@]}"
  here_is=("$tmp/v.material" --processes "$server" --serving)
  busy_client "$uri"
  clean "under load" "${here_is[@]}" "${at_work[@]}" --times 3
  rest
  clean "at rest" "${here_is[@]}"
  leave
  clean "without clients" "${here_is[@]}"
  stop "$server"
done <<'END'
aes-xts-plain64 luks1 256
aes-xts-plain64 pbkdf2 512
aes-xts-plain64 argon2id 512
aes-cbc-essiv:sha256 argon2id 256
serpent-xts-plain64 pbkdf2 512
camellia-xts-plain64 pbkdf2 512
xchacha12,aes-adiantum-plain64 pbkdf2 256
END
