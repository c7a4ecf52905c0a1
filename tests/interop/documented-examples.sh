#!/bin/bash
# Every example in the documentation does what it says: the commands of DOCUMENT are run as they stand, and
# print what is shown (transcript.py).  documented-examples.sh DOCUMENT [OPTION OF transcript.py...]
# With --update what they print is written into the document, with key derivation at its real cost.
# What the plugin's page takes for granted is made first; the others begin in an empty folder.
leaks=0 # an nbdkit that is stopped while clients are connected, as here its file plugin, leaks them
. "$(dirname -- "$0")/lib.sh"
document=$(readlink -e "${1:?a README.md or a .pod file}")
shift

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
cheap=1
case " $* " in *' --update '*) cheap= ;; esac
cat >"$tmp/bin/luksdetached" <<EOF
#!/bin/bash
case "$cheap \$1 \${2:-}" in
  '1 create '* | '1 encrypt '* | '1 key add' | '1 key change')
    set -- "\$@" --pbkdf-memory 65536 --pbkdf-parallel 2 --pbkdf-force-iterations 4
    ;;
esac
exec "$build/server/luksdetached" "\$@"
EOF
chmod +x "$tmp/bin/luksdetached"
cheap_cryptsetup "$tmp/bin"
end_examples() {
  local file
  for file in "$tmp"/example.*.pid "$tmp"/work/*.pid; do
    [ ! -s "$file" ] || kill "$(cat "$file")" 2>/dev/null
  done
}
defer end_examples

cd "$tmp/work"
case $document in
  *-plugin.pod)
    noise 64 >key
    noise 64 >disk-key
    noise 3M >image.raw
    truncate -s 32M disk.img volume.img
    cryptsetup -q luksFormat "${cheap_pbkdf2[@]}" disk.img disk-key
    cryptsetup -q luksFormat "${cheap_pbkdf2[@]}" --header volume-header.img volume.img key
    ;;
esac

# Ports that nobody else has.
PATH=$tmp/bin:$PATH /usr/bin/python3 -B "$here/transcript.py" "$document" \
  --replace "10810=$(free_port 127.0.0.1)" "$@" || fail "$document is not what happens"

# What was copied in comes out again.
if [ -e copy.raw ]; then
  head -c 3M copy.raw >"$tmp/copied"
  same image.raw "$tmp/copied"
fi
