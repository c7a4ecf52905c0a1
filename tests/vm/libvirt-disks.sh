#!/bin/bash
# Exports are disks of libvirt's guests with README's XML: in the definition, and attached and detached
# while the guest runs, with README's commands. libvirt's QEMU driver runs in virsh, without a daemon.
. "$(dirname -- "$0")/../interop/lib.sh"
. "$here/../interop/service.sh"
. "$here/../vm/lib.sh"

make_luks2 vm1 24M --sector-size 512
make_luks2 vm2 16M --sector-size 4096
service_config < <(
  export_table vm1 vm1
  export_table vm2 vm2
)
start_service
settled
prepare_guest

# For root, libvirt wants a user that only its daemon's package makes. Any other will do, and is given what it
# needs as README says.
as_user=()
chmod 711 "$tmp"
mkdir -p "$tmp/libvirt/etc"
echo 'stdio_handler = "file"' >"$tmp/libvirt/etc/qemu.conf" # there is no virtlogd
cp "$image/kernel" "$tmp/kernel"
if [ "$(id -u)" = 0 ]; then
  as_user=(--reuid 65534 --regid 65534 --clear-groups)
  chown -R 65534:65534 "$tmp/libvirt" "$tmp"/agent.{in,out} "$tmp/guest.cpio"
  chgrp 65534 "$socket"
  chmod g+w "$socket"
fi

# xml EXPORT TARGET: README's, with this test's socket.
xml() { fenced xml | sed "s#/run/luksdetached/nbd\\.sock#$socket#; s#'vm1'#'$1'#; s#'vdb'#'$2'#"; }
xml vm2 vdc >"$tmp/disk.xml"
cat >"$tmp/guest.xml" <<END
<domain type='qemu'>
  <name>vm</name>
  <memory unit='MiB'>512</memory>
  <cpu mode='maximum'/>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>$tmp/kernel</kernel>
    <initrd>$tmp/guest.cpio</initrd>
    <cmdline>$kernel_options</cmdline>
  </os>
  <features><acpi/></features>
  <on_reboot>destroy</on_reboot>
  <devices>
    <emulator>$(command -v qemu-system-x86_64)</emulator>
    <serial type='file'><source path='$tmp/libvirt/console'/></serial>
    <channel type='pipe'><source path='$tmp/agent'/><target type='virtio' name='agent'/></channel>
    $(xml vm1 vdb)
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
</domain>
END

: >"$tmp/virsh.log"
mkfifo "$tmp/commands"
exec {to_virsh}<>"$tmp/commands"
setpriv "${as_user[@]}" --pdeathsig TERM env HOME="$tmp/libvirt" XDG_CACHE_HOME="$tmp/libvirt" \
  XDG_RUNTIME_DIR="$tmp/libvirt" virsh -q -c "qemu:///embed?root=$tmp/libvirt" \
  <"$tmp/commands" >"$tmp/virsh.log" 2>&1 &
qemu=$! # what line_from looks after
defer stop_quietly "$qemu"
stop_guest() { # that virsh leaves behind when the test fails
  local pid_file=$tmp/libvirt/run/qemu/vm.pid
  [ ! -s "$pid_file" ] || kill "$(cat "$pid_file")"
}
defer stop_guest

# virsh_does COMMAND: without a complaint; what it says is in $tmp/said.
said=0
virsh_does() {
  local deadline=$((SECONDS + 60))
  said=$((said + 1))
  printf '%s\necho end-of-%s\n' "$1" $said >&"$to_virsh"
  until grep -q "^end-of-$said" "$tmp/virsh.log"; do
    [ $SECONDS -lt $deadline ] || guest_failed "virsh does not end: $1"
    sleep 0.1
  done
  sed "0,/^end-of-$((said - 1))/d" "$tmp/virsh.log" >"$tmp/said"
  if grep '^error:' "$tmp/said" >&2; then guest_failed "virsh: $1"; fi
}

# vm2_is WHERE…: of "running" and "defined", exactly there.
vm2_is() {
  local where=()
  virsh_does "dumpxml vm"
  if grep -q "<source protocol='nbd' name='vm2'" "$tmp/said"; then where+=(running); fi
  virsh_does "dumpxml vm --inactive"
  if grep -q "<source protocol='nbd' name='vm2'" "$tmp/said"; then where+=(defined); fi
  [ "${where[*]}" = "$*" ] || fail "vm2 is: ${where[*]} instead of: $*"
}

note "in the definition"
printf 'echo end-of-0\n' >&"$to_virsh"
virsh_does "define $tmp/guest.xml"
virsh_does "start vm"
ln -s "$tmp/libvirt/console" "$tmp/console"
guest_is_there
guest 'appears /dev/vda; fill /dev/vda one; cat /tmp/sum.one' >"$tmp/sum1"

mapfile -t commands < <(fenced virsh | sed "s#^virsh ##; s#disk\\.xml#$tmp/disk.xml#")
[ "${commands[*]%% *}" = "attach-device detach-device" ] || fail "README has other commands: ${commands[*]}"

note "attached for good"
virsh_does "${commands[0]}"
vm2_is running defined
guest 'appears /dev/vdb; fill /dev/vdb two; cat /tmp/sum.two' >"$tmp/sum2"
virsh_does "${commands[1]}"
guest 'goes /dev/vdb'
vm2_is

note "attached for now"
virsh_does "${commands[0]/--persistent/--live}"
vm2_is running
guest 'appears /dev/vdb; has /dev/vdb two'
virsh_does "${commands[1]/--persistent/--live}"
guest 'goes /dev/vdb'
vm2_is

note "what is in the payloads"
virsh_does "destroy vm"
[ "$(decrypted vm1 512 | sha256sum)" = "$(cat "$tmp/sum1")" ] || fail "vm1 has other bytes"
[ "$(decrypted vm2 4096 | sha256sum)" = "$(cat "$tmp/sum2")" ] || fail "vm2 has other bytes"
