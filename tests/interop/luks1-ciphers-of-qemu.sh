#!/bin/bash
# Ciphers that cryptsetup makes only with the kernel's help: QEMU makes the volumes, and both ways the
# two agree. The table-based ciphers are warned about.
. "$(dirname -- "$0")/lib.sh"
. "$here/qemu_luks.sh"

volumes=0
both_ways() { # WARNED ALGORITHM MODE IV [FURTHER OPTIONS]
  local name=v$((volumes += 1)) options="cipher-alg=$2,cipher-mode=$3,ivgen-alg=$4${5:-}"
  note "$options"
  make_qemu_luks1 "$name" 256K "$options"
  agree_with_qemu "$name" 256K
  case $1 in
    warned) matches 'warning: .*looks up tables by secret data' "$log" ;;
    silent) [ ! -s "$log" ] || fail "it says: $(cat "$log")" ;;
  esac
}

both_ways silent serpent-256 xts plain64
both_ways silent serpent-192 xts plain
both_ways silent serpent-128 cbc essiv ,ivgen-hash-alg=sha256
both_ways warned twofish-256 xts plain64
both_ways warned twofish-192 xts plain ,hash-alg=sha512
both_ways warned twofish-128 cbc essiv ,ivgen-hash-alg=sha256
both_ways warned cast5-128 cbc plain64
# AES with keys of 192 bits: whether it looks up tables depends on the CPU.
both_ways any aes-192 xts plain64
