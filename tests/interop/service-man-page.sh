#!/bin/bash
# The examples of luksdetached(1), in the order of the page: files are checked, commands are run. Only
# the folders are others.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

page=$here/../../docs/luksdetached.pod
/usr/bin/python3 - "$page" "$tmp" <<'END'
"""Writes the verbatim blocks of EXAMPLES: DIRECTORY/1.sh, 2.toml, ..."""
import pathlib, re, sys
page, directory = sys.argv[1:]
examples = re.search(r"^=head1 EXAMPLES$(.*?)^=head1 ", pathlib.Path(page).read_text(), re.M | re.S)[1]
blocks = re.findall(r"(?:^ .*\n)(?:^ .*\n|\n(?= ))*", examples, re.M)
for number, block in enumerate(blocks, 1):
    text = re.sub(r"^ ", "", block, flags=re.M)
    for folder in "/etc/luksdetached", "/etc/pki/nbdkit", "/srv/", "/run/luksdetached":
        text = text.replace(folder, directory + folder)
    kind = "toml" if text.startswith("[service]") else "sh"
    pathlib.Path(directory, f"{number}.{kind}").write_text(text)
END
config=$tmp/etc/luksdetached/config.toml
status_socket=$tmp/run/luksdetached/status.sock

# The config with TLS is only checked.
mkdir -p "$tmp/etc/pki/nbdkit"
touch "$tmp"/etc/pki/nbdkit/{ca-cert,server-cert,server-key}.pem

# What a user types as `luksdetached`: serve in the background, the others as they are.
mkdir "$tmp/bin"
ln -s "$program" "$tmp/bin/luksdetached"
PATH=$tmp/bin:$PATH
cd "$tmp" || exit
shopt -s nullglob
blocks=(*.sh *.toml)
[ ${#blocks[@]} = 6 ] || fail "${#blocks[@]} blocks: ${blocks[*]}"
for number in 1 2 3 4 5 6; do
  if [ -e $number.toml ]; then
    cp $number.toml "$config"
    exits 0 luksdetached config check "$config"
    continue
  fi
  serves=$(grep '^luksdetached serve ' $number.sh) || serves=
  sed -i '/^luksdetached serve /d' $number.sh
  note "$(cat $number.sh)"
  bash -euo pipefail $number.sh
  [ -n "$serves" ] || continue
  note "$serves"
  start_service "${serves##* }"
  settled
done
cmp -n "$(stat -Lc %s /usr/bin/nbdinfo)" /usr/bin/nbdinfo copy.raw || fail "the copy differs"
cp 3.toml "$config"
ends_within_a_second
