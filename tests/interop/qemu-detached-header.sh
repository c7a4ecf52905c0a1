#!/bin/bash
# QEMU has a LUKS1 header in a file of its own since version 9: what it made is served and changed by us,
# what create made is read and written by QEMU, both ways, and both sides see the same bytes.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"

qemu-img create -f luks -o help | grep -q detached-header ||
  skip "$(qemu-img --version | head -n 1) has no detached headers (QEMU 9 has)"

# volume NAME [SECRET]: QEMU's options for it.
volume() {
  printf '%s\n' --object "secret,id=s,file=$tmp/${2:-$1.secret}" --image-opts
  printf 'driver=luks,key-secret=s,file.filename=%s,header.filename=%s\n' "$tmp/$1.payload" "$tmp/$1.header"
}
qemu_reads() { # NAME PLAIN [SECRET]
  local options
  mapfile -t options < <(volume "$1" "${3:-$1.secret}")
  rm -f "$tmp/read"
  qemu-img convert "${options[@]}" -O raw "$tmp/read"
  same "$2" "$tmp/read"
}
qemu_writes() { # NAME PLAIN
  local options
  mapfile -t options < <(volume "$1")
  qemu-img convert "${options[@]:0:2}" -n -f raw --target-image-opts "$2" "${options[3]}"
}

# both_ways NAME: $tmp/NAME.{header,payload,secret}, of a payload of 2 MiB. The header stays as it was.
both_ways() {
  local header
  header=$(sha256sum <"$tmp/$1.header")
  parameters "$1"

  noise 2M >"$tmp/plain"
  qemu_writes "$1" "$tmp/plain"
  ! cmp -s "$tmp/plain" "$tmp/$1.payload" || fail "not encrypted"
  serve "${parameters[@]}"
  [ "$(nbdinfo --size "$uri")" = 2097152 ] || fail "size $(nbdinfo --size "$uri")"
  nbdcopy "$uri" "$tmp/read"
  same "$tmp/plain" "$tmp/read"

  noise 2M >"$tmp/plain"
  nbdcopy --flush "$tmp/plain" "$uri"
  stop "$server"
  qemu_reads "$1" "$tmp/plain"
  [ "$header" = "$(sha256sum <"$tmp/$1.header")" ] || fail "the header of $1 was written"
  [ "$(stat -c %s "$tmp/$1.payload")" = 2097152 ] || fail "the payload has another size"
}

# made_by_qemu NAME [OPTIONS]: as qemu-img create -o takes them.
made_by_qemu() {
  new_secret "$1.secret"
  LD_PRELOAD=$build/tests/tools/slow_thread_clock.so qemu-img create -q -f luks \
    --object "secret,id=s,file=$tmp/$1.secret" -o "detached-header=true,key-secret=s,iter-time=10${2:+,$2}" \
    "$tmp/$1.header"
  truncate -s 2M "$tmp/$1.payload"
  chmod 600 "$tmp/$1.header"
}

for options in '' cipher-alg=aes-128,hash-alg=sha1 cipher-alg=serpent-256,ivgen-alg=plain \
  cipher-alg=aes-256,cipher-mode=cbc,ivgen-alg=essiv,ivgen-hash-alg=sha256; do
  note "made by QEMU: ${options:-its defaults}"
  rm -f "$tmp"/qemus.*
  made_by_qemu qemus "$options"
  sound "$tmp/qemus.header"
  both_ways qemus
done

note "QEMU's header, its key slots changed by us"
made_by_qemu changed
both_ways changed
new_secret second
exits 0 "$program" key add "$tmp/changed.header" --secret "$tmp/changed.secret" --new-secret "$tmp/second" "${cheap_keyslot[@]}"
qemu_reads changed "$tmp/plain" second
exits 0 "$program" key remove "$tmp/changed.header" --secret "$tmp/changed.secret"
qemu_reads changed "$tmp/plain" second
mapfile -t options < <(volume changed)
expect_failure qemu-img convert "${options[@]}" -O raw "$tmp/read"
matches 'Invalid password' "$tmp/failure.out"

for cipher in aes-xts-plain64 aes-cbc-essiv:sha256 twofish-xts-plain64; do
  note "made by us: $cipher"
  rm -f "$tmp"/ours.*
  new_secret ours.secret
  exits 0 "$program" create --luks 1 --header "$tmp/ours.header" --payload "$tmp/ours.payload" --payload-size 2M \
    --secret "$tmp/ours.secret" --cipher "$cipher" "${cheap_keyslot[@]}"
  both_ways ours
done

note "served by qemu-nbd, as a guest has it with -blockdev luks,file=…,header=…"
mapfile -t options < <(volume ours)
qemu-nbd -t -k "$tmp/qemu.sock" "${options[@]}" 2>"$tmp/qemu-nbd.log" &
defer stop_quietly $!
eventually test -S "$tmp/qemu.sock"
noise 1M >"$tmp/part"
nbdcopy --flush "$tmp/part" "nbd+unix:///?socket=$tmp/qemu.sock"
kill $!
wait $!
dd if="$tmp/part" of="$tmp/plain" conv=notrunc status=none
parameters ours
serve "${parameters[@]}"
nbdcopy "$uri" "$tmp/read"
same "$tmp/plain" "$tmp/read"
