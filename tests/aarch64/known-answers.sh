#!/bin/bash
# The portable path, on AArch64: what Debian's cross compiler builds gives the known answers of ciphers,
# hashes, key derivations and headers under QEMU's emulation of programs, and the plugin serves what
# cryptsetup formatted as libgcrypt encrypts it.
. "$(dirname -- "$0")/../interop/lib.sh"
root=$(cd -- "$here/../.." && pwd)
built=$root/build-aarch64
sysroot=$built/sysroot

for program in aarch64-linux-gnu-g++ qemu-aarch64; do
  command -v $program >/dev/null || fail "no $program (tests/dev/install-packages slow)"
done
"$here/../aarch64/make-sysroot" "$sysroot"
note "build"
"$root/tests/dev/build-preset" aarch64 crypto_tests luks_tests luksdetached-plugin luksdetached

emulated=(qemu-aarch64 -L "$sysroot")
# Not what the emulator does not hand on: advice on memory, limits of address space. Nor kernels that
# this architecture has not.
not_here=Argon2Test.MemoryThatCannotBeHadIsAnErrorThatSaysHowMuch
not_here+=:SecureBufferTest.IsLeftOutOfCoreDumps
not_here+=:SecureBufferTest.LockAgainLocksInTheChildAndKeepsThePagesFromItsChildren
not_here+=:Argon2MemoryTest.IsKeptOutOfCoreDumps:Argon2MemoryTest.IsInHugePagesWhereThereAreSome
not_here+=:'*/AesXtsKernelTest/*':'AesCbcAesniTest.*'
for room in crypto luks; do
  note "$room"
  "${emulated[@]}" "$built/tests/$room/${room}_tests" --gtest_brief=1 --gtest_filter="-$not_here"
done

note "the plugin"
plugin=$built/plugin/nbdkit-luksdetached-plugin.so
nbdkit_under_test=("${emulated[@]}" "$sysroot/usr/bin/nbdkit")
"${nbdkit_under_test[@]}" --dump-plugin "$plugin" >"$tmp/dump"
matches '^luksdetached_aes_kernel=cryptopp$' "$tmp/dump"
make_luks1 v 1M --cipher aes-xts-plain64
agree v 512
matches 'aes-xts-plain64: its portable implementation looks up tables' "$log"
make_luks2 w 1M --sector-size 4096 --pbkdf argon2id "${cheap_argon2[@]}"
agree w 4096
