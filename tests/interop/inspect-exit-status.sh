#!/bin/bash
# inspect exits with 0 for a header that can be served, 4 for a good one that is refused, 1 for what is
# no good header or cannot be read, 2 for wrong usage. What is wrong is one line.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

make_luks1 one 256K
make_luks2 two 256K

# fails STATUS KIND REGEX HEADER: as text, one line; as JSON, an object as well.
fails() {
  local status=$1 kind=$2 pattern=$3 header=$4 result=0
  exits "$status" "$program" inspect "$header"
  [ "$(wc -l <"$tmp/said")" = 1 ] || fail "not one line: $(cat "$tmp/said")"
  says "^luksdetached: .*$pattern"
  note "$(cat "$tmp/said")"
  timeout 60 "$program" inspect --json "$header" >"$tmp/report" 2>"$tmp/errors" </dev/null || result=$?
  [ "$result" = "$status" ] || fail "status $result with --json"
  same "$tmp/said" "$tmp/errors"
  jq -e --arg kind "$kind" --rawfile said "$tmp/said" \
    '.schema == 1 and .valid == false and .error.kind == $kind
     and "luksdetached: \(.error.message)\n" == $said' "$tmp/report" >/dev/null ||
    fail "not so: $(cat "$tmp/report")"
}

note "0"
exits 0 "$program" inspect "$tmp/one.header"
exits 0 "$program" inspect "$tmp/two.header"
exits 0 "$program" inspect "file:$tmp/two.header"

note "1: not valid"
printf 'x' >"$tmp/no-header"
fails 1 not_luks 'no LUKS header; if there was one, luksdetached header restore' "$tmp/no-header"
: >"$tmp/no-header"
fails 1 header_damaged 'truncated' "$tmp/no-header"
head -c 100000 "$tmp/one.header" >"$tmp/no-header"
fails 1 header_damaged 'truncated' "$tmp/no-header"
cp "$tmp/two.header" "$tmp/no-header"
/usr/bin/python3 "$here/edit_luks2.py" "$tmp/no-header" "del json['digests']"
fails 1 header_damaged digests "$tmp/no-header"

note "1: not readable"
fails 1 source_unreachable 'No such file' "$tmp/missing"
fails 1 source_unreachable 'a directory' "$tmp"
fails 1 source_unreachable 'a character device' /dev/null
mkfifo "$tmp/pipe"
fails 1 source_unreachable 'a FIFO' "$tmp/pipe"
fails 1 source_unreachable 'No such file' "nbd+unix:///?socket=$tmp/missing.sock"

note "4: good, but refused"
refuses() { # KIND REGEX STATEMENTS
  local before
  cp "$tmp/two.header" "$tmp/edited"
  /usr/bin/python3 "$here/edit_luks2.py" "$tmp/edited" "$3"
  before=$(sha256sum <"$tmp/edited")
  exits 4 "$program" inspect "$tmp/edited"
  says ': a LUKS2 header that is refused:$'
  says "^  (not supported|against policy): .*$2"
  says '^  UUID +[0-9a-f-]{36}$'
  exits 4 "$program" inspect --json "$tmp/edited"
  jq -e --arg kind "$1" --arg pattern "$2" '.valid and .servable == false and .refusals[0].kind == $kind
    and (.refusals[0].message | test($pattern))' "$tmp/said" >/dev/null || fail "not so: $(cat "$tmp/said")"
  [ "$before" = "$(sha256sum <"$tmp/edited")" ] || fail "the header was written"
}
refuses unsupported 'time-travel' "json['config']['requirements'] = {'mandatory': ['time-travel']}"
refuses unsupported 'scrypt' "json['keyslots']['0']['kdf'] = {'type': 'scrypt', 'salt': 'AAAA'}"
refuses unsupported 'integrity' \
  "json['segments']['0']['integrity'] = {'type': 'hmac(sha256)', 'journal_encryption': 'none', 'journal_integrity': 'none'}"
refuses unsupported 'iv_tweak' "json['segments']['0']['iv_tweak'] = '8'"
refuses policy 'null' "json['segments']['0']['encryption'] = 'cipher_null-ecb'"
fails 4 unsupported 'vmdk' "qemu:vmdk:$tmp/v.vmdk"
fails 4 policy 'verif' "nbds://127.0.0.1/header"

note "2: wrong usage"
exits 2 "$program" inspect
says HEADER
exits 2 "$program" inspect "$tmp/one.header" "$tmp/two.header"
exits 2 "$program" inspect --secret x "$tmp/one.header"
exits 2 "$program" inspect ''
exits 2 "$program" inspect 'nbd:nonsense://'
exits 0 "$program" inspect --help
says HEADER

note "what could not be printed is not a success"
status=0
"$program" inspect "$tmp/two.header" >/dev/full 2>"$tmp/said" || status=$?
[ "$status" = 1 ] || fail "status $status"
says 'standard output: No space left'
