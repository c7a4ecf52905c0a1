#!/bin/bash
# luksdetached(1) has every command of --help in its synopsis and among its commands, and every option; it shows no
# option that no command has.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

page=$here/../../docs/luksdetached.pod
# subcommands [COMMAND]: their names, from --help.
subcommands() { "$program" "$@" --help | sed -n '/^Subcommands:/,/^$/s/^  \([a-z]\+\) .*/\1/p'; }
sed -n '/^=head1 SYNOPSIS/,/^=head1 DESCRIPTION/p' "$page" >"$tmp/synopsis"
sed -n '/^=head1 COMMANDS/,/^=head1 HOW HEADERS/p' "$page" >"$tmp/commands"

for command in $(subcommands); do
  below=$(subcommands "$command")
  for words in ${below:-""}; do
    words="$command${words:+ $words}"
    note "$words"
    # "key add|change" stands for two of them.
    grep -Eq "^ luksdetached ${below:+$command }([a-z]+\|)*${words##* }\b" "$tmp/synopsis" || fail "$words is not in the synopsis"
    grep -q "^=item B<$words>" "$tmp/commands" || fail "$words is not among the commands"
    # shellcheck disable=SC2086  # words
    "$program" $words --help | grep -oE '^ +(-h,)?--[a-z-]+' | grep -oE -- '--[a-z-]+' >>"$tmp/options"
  done
done
sort -u "$tmp/options" | grep -vxF -e --help >"$tmp/of-program"
[ "$(wc -l <"$tmp/of-program")" -ge 30 ] || fail "$(cat "$tmp/of-program")"
grep -oE 'B<--[a-z-]+' "$tmp/commands" | cut -c 3- | sort -u | grep -vxF -e --help >"$tmp/of-page"
diff "$tmp/of-program" "$tmp/of-page" || fail "< is not in the man page, > is not in the program"
