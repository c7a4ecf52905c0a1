#!/bin/bash
# What cannot be served fails the command itself, before it goes to the background, and leaves no
# socket and no pid file.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 256K
printf wrong >"$tmp/wrong"
refused_mode=() # without -f: into the background
refused 'secret|key ?slot' "header=$tmp/v.header" "payload=$tmp/v.payload" "secret=$tmp/wrong"
refused "$tmp/absent" "header=$tmp/v.header" "payload=$tmp/absent" "secret=$tmp/v.secret"
refused 'nbd' "header=$tmp/v.header" "payload=nbd+unix:///?socket=$tmp/absent" "secret=$tmp/v.secret"
serve "header=$tmp/v.header" "payload=$tmp/v.payload" "secret=$tmp/v.secret"
refused 'v.payload' "header=$tmp/v.header" "payload=$tmp/v.payload" "secret=$tmp/v.secret"

# As root it may lock what it likes; nobody may not, and has to lock again after the fork.
if [ -z "${LUKSDETACHED_PRELOAD:-}" ] && [ "$(id -u)" = 0 ]; then
  stop "$server"
  chmod 755 "$tmp"
  ulimit -l 0
  refused 'limit for locked memory is 0 KiB and at least [1-9]' -u nobody "header=$tmp/v.header" \
    "payload=$tmp/v.payload" "secret=$tmp/v.secret"
fi
