# What the tests in a guest share; sourced after the interop tests' lib.sh. The guest does what the test
# says through a port, step by step, so that the test can start and stop servers in between.
# shellcheck shell=bash disable=SC2154  # tmp and others come from lib.sh

vm=$here/../vm
image=$build/vm-image
mkdir "$tmp/guest" # becomes /host in the guest that boot starts
command -v qemu-system-x86_64 >/dev/null || fail "no qemu-system-x86_64 (tests/dev/install-packages slow)"

# prepare_guest: $image/kernel and $tmp/guest.cpio are there to boot from, and $tmp/agent.{in,out} for QEMU
# to connect the guest's port "agent" to.
prepare_guest() {
  local pipe
  "$vm/make-image" "$image" || fail "no image for the guest"
  mkdir "$tmp/root"
  cp "$vm/init" "$vm/functions" "$tmp/root/"
  chmod +x "$tmp/root/init"
  cp -r "$tmp/guest" "$tmp/root/host"
  {
    cat "$image/root.cpio"
    (cd "$tmp/root" && find . | "$image/busybox" cpio -o -H newc 2>/dev/null)
  } >"$tmp/guest.cpio"
  for pipe in agent monitor; do mkfifo "$tmp/$pipe.in" "$tmp/$pipe.out"; done
  # For reading and writing: that does not wait for QEMU to open its end.
  exec {to_agent}<>"$tmp/agent.in" {from_agent}<>"$tmp/agent.out" \
    {to_monitor}<>"$tmp/monitor.in" {from_monitor}<>"$tmp/monitor.out"
}

guest_is_there() {
  line_from "$from_agent" 180 "the guest's start"
  note "the guest is there, $line"
}

# boot [OPTION…]: a guest with these options of QEMU beside the usual ones. Its console goes to $tmp/console.
# The host's 127.0.0.1 is 10.0.2.2 there.
kernel_options="console=ttyS0 quiet panic=-1 mitigations=off"
boot() {
  prepare_guest
  # Not KVM: not every machine has it, and a guest in a guest may hang.
  setpriv --pdeathsig KILL qemu-system-x86_64 -no-user-config -nodefaults -display none -no-reboot \
    -M q35 -accel tcg -cpu max -smp "${guest_cpus:-1}" -m 512 \
    -kernel "$image/kernel" -initrd "$tmp/guest.cpio" -append "$kernel_options" \
    -serial "file:$tmp/console" -netdev user,id=net -device virtio-net-pci,netdev=net \
    -device virtio-serial-pci -chardev "pipe,id=agent,path=$tmp/agent" \
    -device virtserialport,chardev=agent,name=agent \
    -chardev "pipe,id=monitor,path=$tmp/monitor" -mon chardev=monitor,mode=control \
    "$@" </dev/null >"$tmp/qemu.log" 2>&1 &
  qemu=$!
  defer stop_quietly "$qemu"
  guest_is_there
  qmp '{"execute": "qmp_capabilities"}'
}

# line_from DESCRIPTOR SECONDS WHAT: the next line of QEMU or the guest, in $line.
line_from() {
  local part deadline=$((SECONDS + $2))
  line=
  until IFS= read -r -t 1 part <&"$1"; do
    line+=$part
    kill -0 "$qemu" 2>/dev/null || guest_failed "QEMU is gone while waiting for $3: $(cat "$tmp/qemu.log")"
    [ $SECONDS -lt "$deadline" ] || guest_failed "not within $2 seconds: $3"
  done
  line+=$part
}

guest_failed() {
  stop_quietly "$qemu" # first of all: nbdkit waits for its clients
  printf '%s\n' "the guest's console:" >&2
  tail -n 60 "$tmp/console" >&2
  fail "$@"
}

# guest [SCRIPT]: the guest carries it out, or what is on standard input, with its functions and after
# `set -eu`; says what it says. It must succeed, within $guest_seconds.
guest_seconds=120
guest() {
  local script=${1:-$(cat)} status
  printf '%s %s\n' "$guest_seconds" "$(base64 -w 0 <<<"$script")" >&"$to_agent"
  line_from "$from_agent" $((guest_seconds + 15)) "$script"
  status=${line%% *}
  base64 -d <<<"${line#* }"
  [ "$status" = 0 ] || guest_failed "status $status in the guest: $script"
}

# qmp COMMAND: QEMU's monitor does it; what it returns is in $line. Events on the way go to $tmp/events.
qmp() {
  printf '%s\n' "$1" >&"$to_monitor"
  while :; do
    line_from "$from_monitor" 60 "an answer to $1"
    if jq -e 'has("return")' <<<"$line" >/dev/null; then return; fi
    if jq -e 'has("error")' <<<"$line" >/dev/null; then fail "QEMU: $1: $line"; fi
    printf '%s\n' "$line" >>"$tmp/events"
  done
}

# happens EVENT ID: QEMU tells, or has told, of that event of that device.
happens() {
  : >>"$tmp/events"
  until jq -e --arg event "$1" --arg id "$2" 'select(.event == $event and .data.device == $id)' \
    "$tmp/events" >/dev/null; do
    line_from "$from_monitor" 60 "$1 of $2"
    printf '%s\n' "$line" >>"$tmp/events"
  done
}
