#!/bin/bash
# Nothing that a header or its name holds reaches the terminal as a control character.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

make_luks2 v 256K
escape=$'\e]0;owned\a\e[2J\xc2\x9b31m\xe2\x80\xae\xe2\x80\x8b'

# harmless HEADER: whatever inspect and test say.
harmless() {
  local command status
  for command in "inspect" "inspect --json" "test --secret $tmp/v.secret" "test --json --secret $tmp/v.secret"; do
    status=0
    # shellcheck disable=SC2086  # several words
    timeout 60 "$program" $command "$1" >"$tmp/said" 2>&1 </dev/null || status=$?
    [ "$status" -le 4 ] || fail "status $status: $command"
    if LC_ALL=C grep -Eq '[[:cntrl:]]' "$tmp/said"; then fail "$command: $(cat -v "$tmp/said")"; fi
    # The same of a second set, which is two bytes in UTF-8; what turns the direction or is invisible.
    if LC_ALL=C grep -Eq $'\xc2[\x80-\x9f]|\xe2\x80[\x8b-\x8f\xa8-\xae]' "$tmp/said"; then
      fail "$command: $(cat -v "$tmp/said")"
    fi
    if tr -d '\n' <"$tmp/said" | LC_ALL=C grep -aq $'\r'; then fail "$command: a carriage return"; fi
  done
}

note "the name of the file"
cp "$tmp/v.header" "$tmp/name$escape"
harmless "$tmp/name$escape"
exits 0 "$program" inspect "$tmp/name$escape"
says 'name\\x1b\]0;owned\\x07\\x1b\[2J\\xc2\\x9b31m.*: a LUKS2'

note "label and subsystem"
cp "$tmp/v.header" "$tmp/hostile"
cryptsetup config --batch-mode --label "$escape" --subsystem "$escape" "$tmp/hostile"
harmless "$tmp/hostile"

note "strings and names in the JSON"
for statements in \
  "json['tokens'] = {'0': {'type': escape, 'keyslots': []}}" \
  "json['tokens'] = {escape: {'type': 'x', 'keyslots': []}}" \
  "json['config']['flags'] = [escape]" \
  "json['config']['requirements'] = {'mandatory': [escape]}" \
  "json['segments']['0']['encryption'] = escape" \
  "json['segments']['0']['type'] = escape" \
  "json['keyslots'][escape] = json['keyslots']['0']" \
  "json['keyslots']['0']['type'] = escape" \
  "json['keyslots']['0']['kdf']['type'] = escape" \
  "json['keyslots']['0']['kdf']['hash'] = escape" \
  "json['keyslots']['0']['area']['encryption'] = escape" \
  "json['digests']['0']['hash'] = escape"; do
  cp "$tmp/v.header" "$tmp/hostile"
  /usr/bin/python3 "$here/edit_luks2.py" "$tmp/hostile" "escape = '\\033]0;owned\\007\\033[2J\\r\\n\\u009b\\u202e\\u200b'; $statements"
  harmless "$tmp/hostile"
done
