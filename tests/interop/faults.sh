# What the tests with bad storage and sudden ends share.
# shellcheck shell=bash disable=SC2154  # variables of lib.sh

# rounds MANY FEW: MANY, or FEW in sanitizer builds, which are ten times slower.
rounds() { if [ -n "${LUKSDETACHED_PRELOAD:-}" ]; then echo "$2"; else echo "$1"; fi; }

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
