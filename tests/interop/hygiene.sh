# Where keys and secrets may be while a volume is served; sourced after lib.sh.
# shellcheck shell=bash disable=SC2154  # tmp and others come from lib.sh

# The sanitizers' runtimes turn mlock into nothing and keep freed memory.
[ -z "${LUKSDETACHED_PRELOAD:-}" ] || skip "a sanitizer build locks no memory and keeps what was freed"

# new_secret NAME: a new one in $tmp/NAME.secret, which make_volume then takes; a line of text, without its end.
new_secret() { noise 48 | base64 -w 0 >"$tmp/$1.secret"; }

# material NAME [SECRET]: all that there is of keys and secrets of a volume of make_volume, in
# $tmp/NAME.material.
material() {
  volume_key "$1"
  /usr/bin/python3 "$here/key_material.py" "$tmp/$1.header" "${2:-$tmp/$1.secret}" "$tmp/$1.rawkey" \
    >"$tmp/$1.material"
}

# search ARG…: the tool itself.
search() { /usr/bin/python3 "$here/memory_search.py" "$@"; }

# clean WHEN ARG…: the search finds no key material where it must not be.
clean() {
  note "$1"
  search "${@:2}" || fail "$1: key material is where it must not be"
}

# busy_client URI: several connections that read and write until `rest`, and stay until `leave`.
busy_client() {
  touch "$tmp/busy" "$tmp/attached"
  /usr/bin/python3 "$here/busy_client.py" "$1" "$tmp/busy" "$tmp/attached" >"$tmp/client.log" 2>&1 &
  client=$!
  eventually grep -q 'at work' "$tmp/client.log"
}
rest() {
  rm "$tmp/busy"
  eventually grep -q 'at rest' "$tmp/client.log"
}
leave() {
  rm "$tmp/attached"
  wait "$client" || fail "the client: $(cat "$tmp/client.log")"
}
