#!/bin/bash
# The bytes of an image decide neither its format nor which other files are opened: `qemu:raw:` is
# raw whatever it begins with, and an image that refers to another file is refused, which is not opened.
. "$(dirname -- "$0")/lib.sh"
. "$here/tls.sh"
. "$here/servers.sh"

make_luks2 v 256K --sector-size 512
volume_key v
elsewhere=$tmp/elsewhere
noise 256K >"$elsewhere"

note "a payload that begins as a qcow2 image does"
qemu-img create -q -f qcow2 -b "$elsewhere" -F raw "$tmp/evil.qcow2"
head -c 128K "$tmp/evil.qcow2" | dd of="$tmp/v.payload" conv=notrunc status=none
decrypted v 512 >"$tmp/plain"
for payload in "qemu:raw:$tmp/v.payload" "$tmp/v.payload"; do
  serve "header=$tmp/v.header" "payload=$payload" "secret=$tmp/v.secret"
  nbdcopy "$uri" "$tmp/read"
  stop "$server"
  same "$tmp/plain" "$tmp/read"
done

note "and one that a client has made to begin so"
cp "$tmp/v.payload" "$tmp/wanted"
noise 256K >"$tmp/v.payload"
"$build/tests/tools/sector_xts" decrypt "$tmp/v.key" 512 <"$tmp/wanted" >"$tmp/plain"
serve "header=$tmp/v.header" "payload=qemu:raw:$tmp/v.payload" "secret=$tmp/v.secret"
nbdcopy --flush "$tmp/plain" "$uri"
stop "$server"
same "$tmp/wanted" "$tmp/v.payload"
serve "header=$tmp/v.header" "payload=qemu:raw:$tmp/v.payload" "secret=$tmp/v.secret"
nbdcopy "$uri" "$tmp/read"
stop "$server"
same "$tmp/plain" "$tmp/read"

# What is refused is watched for opening the file; a sanitizer cannot be traced.
if [ -z "${LUKSDETACHED_PRELOAD:-}" ]; then
  nbdkit_under_test=(strace -f -qq -e trace=/open -o "$tmp/trace" "${nbdkit_under_test[@]}")
fi
refers() { # REGEX FORMAT IMAGE
  : >"$tmp/trace"
  note "$2: $3"
  refused_source "$1" "qemu:$2:$tmp/$3"
  if grep -F "\"$elsewhere\"" "$tmp/trace"; then fail "opened what $3 refers to"; fi
}

refers 'backing' qcow2 evil.qcow2
qemu-img create -q -f qcow2 -u -b "json:{\"driver\":\"raw\",\"file.filename\":\"$elsewhere\"}" -F raw "$tmp/json.qcow2" 256K
refers 'backing' qcow2 json.qcow2
qemu-img create -q -f qcow2 -u -b nbd+unix:///?socket="$elsewhere" -F raw "$tmp/nbd.qcow2" 256K
refers 'backing' qcow2 nbd.qcow2
qemu-img create -q -f qcow2 -u -b "$tmp/absent" -F raw "$tmp/absent.qcow2" 256K
refers 'backing' qcow2 absent.qcow2
qemu-img create -q -f qcow2 -o "data_file=$tmp/data,data_file_raw=on" "$tmp/data.qcow2" 256K
refers 'data file' qcow2 data.qcow2
qemu-img amend -f qcow2 -o "data_file=$elsewhere" "$tmp/data.qcow2"
refers 'data file' qcow2 data.qcow2
qemu-img create -q -f qed -b "$elsewhere" -F raw "$tmp/evil.qed"
refers 'backing' qed evil.qed
cat >"$tmp/evil.vmdk" <<END
# Disk DescriptorFile
version=1
CID=12345678
parentCID=ffffffff
createType="monolithicFlat"

RW 512 FLAT "$elsewhere" 0

ddb.adapterType = "ide"
END
refers 'evil.vmdk' vmdk evil.vmdk
sed 's/"monolithicFlat"/"vmfs"/; s/FLAT \("[^"]*"\) 0/VMFS \1/' "$tmp/evil.vmdk" >"$tmp/vmfs.vmdk"
refers 'vmfs.vmdk' vmdk vmfs.vmdk
