#!/bin/bash
# The offset in the header is honoured, and payload-offset= overrides it. Bytes before it stay as
# they are; the first sector has tweak 0 wherever it lies.
. "$(dirname -- "$0")/lib.sh"

at_offset() { # NAME OFFSET PARAMETER…
  local name=$1 offset=$2 before
  shift 2
  before=$(head -c "$offset" "$tmp/$name.payload" | sha256sum)
  parameters "$name"
  serve "${parameters[@]}" "$@"
  local size
  size=$(nbdinfo --size "$uri")
  [ "$size" = $((4194304 - offset)) ] || fail "size $size"
  noise "$size" >"$tmp/plain"
  nbdcopy --flush "$tmp/plain" "$uri"
  stop "$server"
  decrypted "$name" 512 "$offset" >"$tmp/decrypted"
  same "$tmp/plain" "$tmp/decrypted"
  [ "$before" = "$(head -c "$offset" "$tmp/$name.payload" | sha256sum)" ] || fail "wrote before the offset"
}

make_luks1 zero1 4M
make_luks2 zero2 4M --sector-size 512
make_luks1 some1 4M --align-payload 4096
make_luks2 some2 4M --sector-size 512 --offset 4096
note "the header's own"
at_offset zero1 0
at_offset zero2 0
at_offset some1 2097152
at_offset some2 2097152
note "overridden"
at_offset zero1 1048576 payload-offset=1M
at_offset zero2 512 payload-offset=1s
at_offset some1 0 payload-offset=0
at_offset some2 0 payload-offset=0
at_offset some2 3145728 payload-offset=3145728

parameters zero2
refused 'payload-offset' "${parameters[@]}" payload-offset=100
refused 'payload-offset' "${parameters[@]}" payload-offset=much
refused 'payload.*(small|beyond|past|offset)' "${parameters[@]}" payload-offset=4M
refused 'payload.*(small|beyond|past|offset)' "${parameters[@]}" payload-offset=8E
