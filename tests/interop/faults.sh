# What the tests with bad storage and sudden ends share.
# shellcheck shell=bash disable=SC2154  # variables of lib.sh

# rounds MANY FEW: MANY, or FEW in sanitizer builds, which are ten times slower.
rounds() { if [ -n "${LUKSDETACHED_PRELOAD:-}" ]; then echo "$2"; else echo "$1"; fi; }

# --- Storage that fails ----------------------------------------------------------------------------

# serve_faulty NAME ARG…: the plugin with a volume of make_…, whose payload fails as the rules in
# $fault say (tests/tools/faulty_io.c). What they did is in $fault.log.
fault=$tmp/fault
serve_faulty() {
  local name=$1 preload=$build/tests/tools/faulty_io.so plain=("${nbdkit_under_test[@]}") word
  local variables=("FAULTY_IO_FILE=$tmp/$name.payload" "FAULTY_IO_RULES=$fault") words=()
  [ -e "$preload" ] || fail "no $preload"
  for word in "${plain[@]}"; do # a sanitizer's runtime comes first
    case $word in LD_PRELOAD=*) preload=${word#LD_PRELOAD=}:$preload ;; *) words+=("$word") ;; esac
  done
  unset "words[-1]"
  [ ${#words[@]} != 0 ] || words=(env)
  nbdkit_under_test=("${words[@]}" "LD_PRELOAD=$preload" "${variables[@]}" nbdkit)
  parameters "$name"
  serve "${parameters[@]}" "${@:2}"
  nbdkit_under_test=("${plain[@]}")
}

# plain NAME SECTOR_SIZE: noise in the volume, and the same in $tmp/model.
plain() {
  noise "$(stat -c %s "$tmp/$1.payload")" >"$tmp/model"
  encrypted "$1" "$2" <"$tmp/model" >"$tmp/$1.payload"
}

# as_model NAME SECTOR_SIZE: $tmp/model is what the payload has, says libgcrypt.
as_model() {
  decrypted "$1" "$2" >"$tmp/decrypted"
  same "$tmp/model" "$tmp/decrypted"
}

# --- Ends in the middle of writes ------------------------------------------------------------------

# interrupt NAME SECTOR_SIZE PAYLOAD OPTION…: interrupted_writes.py on a volume of make_luks2.
# PAYLOAD: file, or the command of a server that has it.
interrupt() {
  local name=$1 sector=$2 payload=$3 storage=() where=$tmp/$1.payload
  shift 3
  volume_key "$name"
  if [ "$payload" != file ]; then
    storage=(--storage "$payload")
    where="nbd+unix:///?socket=$tmp/storage.sock"
  fi
  /usr/bin/python3 "$here/interrupted_writes.py" --sockets "$tmp" --payload "$tmp/$name.payload" \
    --sector "$sector" ${storage[@]+"${storage[@]}"} \
    --export "$(printf '%q ' "${nbdkit_under_test[@]}" "$plugin" "header=$tmp/$name.header" \
      "payload=$where" "secret=$tmp/$name.secret")" \
    --decrypt "$(printf '%q ' "$build/tests/tools/sector_xts" decrypt "$tmp/$name.key" "$sector")" "$@"
}

# A disk with a volatile write cache (tests/tools/volatile_cache.c), for serve_plain and interrupt.
volatile_cache=$build/tests/tools/volatile_cache.so
