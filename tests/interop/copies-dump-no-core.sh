#!/bin/bash
# A command that copies data has keys and plain data in its memory: there is no core dump of it.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"
. "$here/ordinary.sh"
. "$here/copy.sh"

dump_cores

make_ordinary_luks2 one
new_secret two.secret
noise 2M >"$tmp/plain"
truncate -s 8M "$tmp/target"
serve_stuck "$tmp/target"
encrypts two "$tmp/plain" --cipher serpent-xts-plain64

# copies PROCESS NAME: it has become that program, which has begun to catch SIGTERM. (In this order: the shell
# that becomes it catches that, too.)
copies() {
  [ "$(cat "/proc/$1/comm")" = "$2" ] && [ $((0x$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status") & 0x4000)) != 0 ]
}
# dumps_no_core COMMAND…: ended by SIGABRT while it copies.
dumps_no_core() {
  local process status=0
  "$@" >"$tmp/said" 2>&1 </dev/null &
  process=$!
  eventually copies $process "$(basename "$1")"
  kill -ABRT $process
  wait $process 2>/dev/null || status=$?
  [ $status = 134 ] || fail "status $status: $(cat "$tmp/said")"
  [ -z "$(ls)" ] || fail "a core dump: $(ls)"
}

note "decrypt"
dumps_no_core "$program" decrypt --header "$tmp/two.header" --payload "$tmp/two.payload" --secret "$tmp/two.secret" "$uri"

note "detach"
dumps_no_core "$program" detach "$tmp/one.volume" --header "$tmp/one.header" --payload "$uri" --secret "$tmp/one.secret"

note "encrypt, also when it goes on"
for _ in 1 2; do
  dumps_no_core "$program" encrypt "$tmp/plain" --header "$tmp/three.header" --payload "$uri" --secret "$tmp/two.secret" "${cheap_keyslot[@]}"
done
