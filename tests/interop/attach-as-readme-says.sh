#!/bin/bash
# What README tells QEMU and libvirt names the export: QEMU's option opens it, and libvirt's schema
# takes the XML, which says the same.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

# shown LANGUAGE: the code blocks of README in that language, with the socket of this test.
shown() { fenced "$1" | sed "s#/run/luksdetached/nbd\\.sock#$socket#"; }

make_luks2 vm1 1M
make_luks2 freed 1M
service_config < <(
  export_table vm1 vm1
  export_table freed freed 'discard = true'
)
start_service
settled
noise 1M >"$tmp/plain"
nbdcopy --flush "$tmp/plain" "$(uri_of vm1)"

note "QEMU"
shown qemu | tee "$tmp/qemu"
[ "$(awk '/^-device / { print $2 }' "$tmp/qemu")" = virtio-blk-pci,drive=vm1 ] || fail "another device"
blockdev=$(awk '/^-blockdev / { print $2 }' "$tmp/qemu")
matches ',node-name=vm1,' <(printf %s "$blockdev")
qemu-img convert --image-opts "$blockdev" -O raw "$tmp/read"
same "$tmp/plain" "$tmp/read"
qemu-io --image-opts "$blockdev" -c 'write -P 0x5a 64k 64k' -c flush | grep -q 'wrote 65536'
head -c 64K /dev/zero | tr '\0' '\132' |
  dd of="$tmp/plain" bs=64K seek=1 conv=notrunc status=none
reads "$tmp/plain" vm1

note "QEMU, and discards"
grep -q 'discard=unmap` in the first line' "$here/../../README.md" || fail "README says something else"
to_freed=${blockdev/export=vm1/export=freed}
freed() { # what is left of 1 MiB, in KiB
  echo $(($(stat -c '%b * %B / 1024' "$tmp/freed.payload")))
}
# What is the default in QEMU is the opposite in qemu-io.
qemu-io --image-opts "$to_freed,discard=ignore" -c 'write -P 1 0 1M' -c flush -c 'discard 0 512k' >"$tmp/qemu-io"
[ "$(freed)" = 1024 ] || fail "discards go through: $(freed) KiB are left"
qemu-io --image-opts "$to_freed,discard=unmap" -c 'discard 0 512k' -c flush >"$tmp/qemu-io"
[ "$(freed)" = 512 ] || fail "discards do not go through: $(freed) KiB are left"

note "libvirt"
{
  printf '<domain type="qemu"><name>vm1</name><memory>1024</memory>'
  printf '<os><type arch="x86_64">hvm</type></os><devices>'
  shown xml
  printf '</devices></domain>\n'
} >"$tmp/domain.xml"
virt-xml-validate "$tmp/domain.xml" domain
/usr/bin/python3 - "$tmp/domain.xml" "$socket" <<'END'
import sys
import xml.etree.ElementTree as xml
disk = xml.parse(sys.argv[1]).find("devices/disk")
source = disk.find("source")
assert disk.get("type") == "network" and disk.find("driver").get("type") == "raw"
assert (source.get("protocol"), source.get("name")) == ("nbd", "vm1")
assert source.find("host").attrib == {"transport": "unix", "socket": sys.argv[2]}
END
