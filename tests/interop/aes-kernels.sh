#!/bin/bash
# Each implementation of AES that this CPU has writes what QEMU reads, and reads what QEMU wrote; the
# environment chooses it, --dump-plugin and the log name it.
. "$(dirname -- "$0")/lib.sh"
. "$here/qemu_luks.sh"

make_luks1 v 1M
noise 1M >"$tmp/plain"
noise 1M >"$tmp/other"

dumped() { # KERNEL
  env "LUKSDETACHED_AES_KERNEL=$1" "${nbdkit_under_test[@]}" "$plugin" --dump-plugin 2>&1
}

dumped enigma >"$tmp/complaint" || true
matches "LUKSDETACHED_AES_KERNEL is 'enigma'; this CPU has: .*cryptopp$" "$tmp/complaint"
if grep -q ^luksdetached_aes_kernel= "$tmp/complaint"; then fail "it names one all the same"; fi
kernels=$(sed -n 's/.*this CPU has: //p' "$tmp/complaint")
fastest=$(dumped '' | sed -n 's/^luksdetached_aes_kernel=//p')
[ "$fastest" = "${kernels%%,*}" ] || fail "the fastest is said to be '$fastest'; there are: $kernels"

for kernel in ${kernels//,/}; do
  note "$kernel"
  [ "$(dumped "$kernel" | grep ^luksdetached_aes_kernel=)" = "luksdetached_aes_kernel=$kernel" ] ||
    fail "--dump-plugin does not name it"
  export LUKSDETACHED_AES_KERNEL=$kernel
  serve -v "header=$tmp/v.header" "payload=$tmp/v.payload" "secret=$tmp/v.secret"
  unset LUKSDETACHED_AES_KERNEL
  grep -q "aes-xts-plain64 ($kernel)" "$log" || fail "the log does not name it"
  nbdcopy "$tmp/plain" "$uri"
  stop "$server"
  join v
  qemu_read v >"$tmp/by-qemu"
  same "$tmp/plain" "$tmp/by-qemu"

  note "$kernel reads it"
  qemu_write v "$tmp/other"
  split_joined v
  export LUKSDETACHED_AES_KERNEL=$kernel
  serve "header=$tmp/v.header" "payload=$tmp/v.payload" "secret=$tmp/v.secret"
  unset LUKSDETACHED_AES_KERNEL
  nbdcopy "$uri" "$tmp/read"
  stop "$server"
  same "$tmp/other" "$tmp/read"
done

note "one that is not there"
LUKSDETACHED_AES_KERNEL=enigma expect_failure "${nbdkit_under_test[@]}" -U - "$plugin" \
  "header=$tmp/v.header" "payload=$tmp/v.payload" "secret=$tmp/v.secret" --run true
matches "this CPU has" "$tmp/failure.out"
