#!/bin/bash
# A program or plugin that a source needs and that is not there is named, with the Debian package.
. "$(dirname -- "$0")/lib.sh"
. "$here/tls.sh"
. "$here/servers.sh"
. "$here/service.sh"

make_luks2 v 256K
plugins=$(nbdkit --dump-config | sed -n 's/^plugindir=//p')

both() { # REGEX SOURCE
  refused "$1" "header=$2" "payload=$tmp/v.payload" "secret=$tmp/v.secret"
  refused "$1" "header=$tmp/v.header" "payload=$2" "secret=$tmp/v.secret"
}

note "plugins of nbdkit"
for name in python perl ruby lua tcl; do
  [ -e "$plugins/nbdkit-$name-plugin.so" ] || both "nbdkit-plugin-$name" "nbdkit:$name?script=x"
done
both 'nosuch.*plugin|plugin.*nosuch' nbdkit:nosuch
both 'nosuch.*plugin|plugin.*nosuch' 'nbdkit:nosuch?key=value'

note "no plugin at all, but ours"
mkdir "$tmp/empty"
emptied=(unshare --map-root-user --mount sh -c 'mount --bind "$0" "$1" && shift && exec "$@"' "$tmp/empty" "$plugins")
if "${emptied[@]}" true 2>/dev/null; then
  plain=("${nbdkit_under_test[@]}")
  nbdkit_under_test=("${emptied[@]}" "${nbdkit_under_test[@]}")
  both 'curl.*nbdkit|nbdkit.*curl' http://127.0.0.1:1/x
  both 'ssh.*nbdkit|nbdkit.*ssh' ssh://127.0.0.1:1/x
  nbdkit_under_test=("${plain[@]}")
fi

note "libraries that are loaded when they are needed"
mkdir "$tmp/libraries"
touch "$tmp"/libraries/lib{nbd.so.0,cryptsetup.so.12,blkid.so.1}
without=(env "LD_LIBRARY_PATH=$tmp/libraries")
plain=("${nbdkit_under_test[@]}")
nbdkit_under_test=("${without[@]}" "${nbdkit_under_test[@]}")
both 'libnbd\.so\.0.*libnbd0' 'nbd+unix:///?socket=none'
nbdkit_under_test=("${plain[@]}")
create=("${without[@]}" "$program" create --header "$tmp/new.header" --secret "$tmp/v.secret")
! "${create[@]}" --payload "$tmp/new.payload" --payload-size 1M 2>"$tmp/said" || fail "no library, and nothing said"
matches 'libcryptsetup\.so\.12.*libcryptsetup12' "$tmp/said"
truncate -s 1M "$tmp/there"
! "${create[@]}" --payload "$tmp/there" 2>"$tmp/said" || fail "no library, and nothing said"
matches 'libblkid\.so\.1.*libblkid1' "$tmp/said"
[ ! -e "$tmp/new.header" ] && [ ! -e "$tmp/new.payload" ] || fail "something was made"
"${without[@]}" "$program" test --secret "$tmp/v.secret" "$tmp/v.header"

note "qemu-nbd"
mkdir "$tmp/bin"
ln -s "$(command -v nbdkit)" "$(command -v env)" "$tmp/bin/"
nbdkit_under_test=(env "PATH=$tmp/bin" "${nbdkit_under_test[@]}")
both 'qemu-nbd.*qemu-utils' "qemu:raw:$tmp/v.payload"
note "and nothing else needs it"
serve "header=$tmp/v.header" "payload=$tmp/v.payload" "secret=$tmp/v.secret"
