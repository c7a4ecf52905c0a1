#!/bin/bash
# Storage that is full or fails ends encrypt and decrypt, with its reason and without anything that looks
# finished; when it works again, the same command goes on where it was.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"
. "$here/faults.sh"
. "$here/copy.sh"

new_secret two.secret
noise 8M >"$tmp/plain"
encrypt=(encrypt "$tmp/plain" --header "$tmp/two.header" --secret "$tmp/two.secret" "${cheap_keyslot[@]}" --json)
decrypt=(decrypt --header "$tmp/two.header" --payload "$tmp/two.payload" --secret "$tmp/two.secret" --json)

went_on() { jq -e ".done and .already_there >= $1 and .already_there < 8388608" "$tmp/said" >/dev/null || fail "$(cat "$tmp/said")"; }

note "encrypt onto a disk that is full"
truncate -s 8M "$tmp/two.payload"
serve_bad "$tmp/two.payload"
echo 'write ENOSPC from=6291456' >"$fault"
exits 1 "$program" "${encrypt[@]}" --payload "$uri"
says 'No space left on device'
[ ! -e "$tmp/two.header" ] || fail "a header"
rm "$fault"
exits 0 "$program" "${encrypt[@]}" --payload "$uri"
went_on 1048576
stop_quietly "$server"
decrypted two 4096 | same "$tmp/plain" /dev/stdin

note "a sync that fails"
rm "$tmp"/two.header
serve_bad "$tmp/two.payload"
echo 'sync EIO times=1' >"$fault"
exits 1 "$program" "${encrypt[@]}" --payload "$uri"
says 'Input/output error'
[ ! -e "$tmp/two.header" ] || fail "a header"
stop_quietly "$server" # it fails every sync after the first one
serve_bad "$tmp/two.payload"
exits 0 "$program" "${encrypt[@]}" --payload "$uri"
stop_quietly "$server"
rm -f "$tmp/two.key" "$tmp/two.rawkey"
decrypted two 4096 | same "$tmp/plain" /dev/stdin

note "decrypt onto a disk that is full: it begins with zeros"
noise 8M >"$tmp/disk"
serve_bad "$tmp/disk"
echo 'write ENOSPC from=6291456' >"$fault"
exits 1 "$program" "${decrypt[@]}" "$uri"
says 'No space left on device'
cmp -n 1048576 "$tmp/disk" /dev/zero
rm "$fault"
exits 0 "$program" "${decrypt[@]}" "$uri"
went_on 1048576
stop_quietly "$server"
same "$tmp/plain" "$tmp/disk"

note "a payload that cannot be read"
serve_bad "$tmp/two.payload"
echo 'read EIO from=4194304' >"$fault"
exits 1 "$program" decrypt --header "$tmp/two.header" --payload "$uri" --secret "$tmp/two.secret" "$tmp/back"
says 'Input/output error'
[ ! -e "$tmp/back" ] || fail "a target"
rm "$fault"
exits 0 "$program" decrypt --header "$tmp/two.header" --payload "$uri" --secret "$tmp/two.secret" "$tmp/back"
stop_quietly "$server"
same "$tmp/plain" "$tmp/back"

note "a source that cannot be read"
rm "$tmp"/two.{header,payload}
serve_bad "$tmp/plain"
echo 'read EIO from=4194304' >"$fault"
exits 1 "$program" encrypt "$uri" --header "$tmp/two.header" --payload "$tmp/two.payload" --secret "$tmp/two.secret" "${cheap_keyslot[@]}"
says 'Input/output error'
[ ! -e "$tmp/two.header" ] && [ ! -e "$tmp/two.payload" ] || fail "it looks finished"
stop_quietly "$server"
