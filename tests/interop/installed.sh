# As where it is installed: in PATH the program, and an nbdkit that knows the plugin by its name. What serves in the
# background ends with the test. Key derivation is cheap, unless $real_cost; sourced after lib.sh.
# shellcheck shell=bash disable=SC2154  # tmp and others come from lib.sh

mkdir "$tmp/bin"
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
cat >"$tmp/bin/luksdetached" <<EOF
#!/bin/bash
case "${real_cost:-} \$*" in
  *' --pbkdf'*) ;;
  ' create '* | ' encrypt '* | ' key add '* | ' key change '*)
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
PATH=$tmp/bin:$PATH
