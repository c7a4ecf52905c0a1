#!/bin/bash
# Every example in the documentation does what it says: the ```sh blocks of README.md, and the
# verbatim blocks under EXAMPLES in the man page given as the first argument, are run as they stand.
# The files that an example takes for granted are made first.
leaks=0 # an nbdkit that is stopped while clients are connected, as here its file plugin, leaks them
. "$(dirname -- "$0")/lib.sh"
document=$(readlink -e "${1:?a README.md or a .pod file}")

examples() {
  case $document in
    *.md) awk '/^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$document" ;;
    *.pod) awk '/^=head1 / { inside = $2 == "EXAMPLES"; next } inside && /^ / { sub(/^ /, ""); print }' \
      "$document" ;;
  esac
}

# As where it is installed: the program, and an nbdkit that knows the plugin by its name. The latter's
# background processes end with the test.
mkdir "$tmp/bin" "$tmp/work"
real_nbdkit=$(command -v nbdkit)
cat >"$tmp/bin/nbdkit" <<EOF
#!/bin/bash
command=($(printf '%q ' "${nbdkit_under_test[@]/#nbdkit/$real_nbdkit}"))
pid_file=\$(mktemp $tmp/example.XXXXXX.pid)
for argument; do
  [ "\$argument" != -P ] || own_pid_file=true
  if [ "\$argument" = luksdetached ]; then argument=$plugin; fi
  arguments+=("\$argument")
done
[ -n "\${own_pid_file:-}" ] || arguments=(-P "\$pid_file" "\${arguments[@]}")
exec "\${command[@]}" "\${arguments[@]}"
EOF
chmod +x "$tmp/bin/nbdkit"
ln -s "$build/server/luksdetached" "$tmp/bin/luksdetached"
cheap_cryptsetup "$tmp/bin"
end_examples() {
  local file
  for file in "$tmp"/example.*.pid "$tmp"/work/*.pid; do
    [ ! -s "$file" ] || kill "$(cat "$file")" 2>/dev/null
  done
}
defer end_examples

cd "$tmp/work"
noise 64 >secret
noise 64 >key
noise 64 >disk-key
noise 3M >image.raw
truncate -s 32M disk.img volume.img
cryptsetup -q luksFormat "${cheap_pbkdf2[@]}" disk.img disk-key
cryptsetup -q luksFormat "${cheap_pbkdf2[@]}" --header volume-header.img volume.img key

examples >"$tmp/script"
commands=$(grep -c . "$tmp/script") || fail "no examples in $document"
note "$commands lines of examples in $document"
cat "$tmp/script"
PATH=$tmp/bin:$PATH bash -euxo pipefail "$tmp/script" 2>&1 || fail "an example fails"

# What was copied in comes out again.
if [ -e copy.raw ]; then
  head -c 3M copy.raw >"$tmp/copied"
  same image.raw "$tmp/copied"
fi
