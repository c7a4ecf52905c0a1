#!/bin/bash
# Every example in the documentation does what it says: the commands of DOCUMENT are run as they stand, and
# print what is shown (transcript.py).  documented-examples.sh DOCUMENT [OPTION OF transcript.py...]
# With --update what they print is written into the document, with key derivation at its real cost.
# What the plugin's page takes for granted is made first; the others begin in an empty folder.
leaks=0 # an nbdkit that is stopped while clients are connected, as here its file plugin, leaks them
. "$(dirname -- "$0")/lib.sh"
document=$(readlink -e "${1:?a README.md or a .pod file}")
shift

case " $* " in *' --update '*) real_cost=1 ;; esac
. "$here/installed.sh"
mkdir "$tmp/work"
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
/usr/bin/python3 -B "$here/transcript.py" "$document" \
  --replace "10810=$(free_port 127.0.0.1)" "$@" || fail "$document is not what happens"

# What was copied in comes out again.
if [ -e copy.raw ]; then
  head -c 3M copy.raw >"$tmp/copied"
  same image.raw "$tmp/copied"
fi
