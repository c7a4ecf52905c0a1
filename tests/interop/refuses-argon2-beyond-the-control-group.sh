#!/bin/bash
# The kernel kills who goes over the memory limit of a control group: a key derivation that would is
# refused before it starts, with both numbers.
. "$(dirname -- "$0")/lib.sh"

# A group of our own with a limit of 256 MiB, of either version of the controller.
limit=$((256 << 20))
make_group() {
  if [ -w /sys/fs/cgroup/memory/cgroup.procs ]; then
    group=/sys/fs/cgroup/memory/luksdetached-test-$$
    mkdir "$group" && echo $limit >"$group/memory.limit_in_bytes"
  elif grep -qw memory /sys/fs/cgroup/cgroup.subtree_control && [ -w /sys/fs/cgroup/cgroup.procs ]; then
    group=/sys/fs/cgroup/luksdetached-test-$$
    mkdir "$group" && echo $limit >"$group/memory.max"
  else
    return 1
  fi 2>/dev/null
}
make_group || skip "no control group of ours can be made here"
defer rmdir "$group"

make_luks2 v 256K --pbkdf argon2id --pbkdf-memory 524288 --pbkdf-force-iterations 4 --pbkdf-parallel 1
parameters v
serve "${parameters[@]}" # where there is memory enough
stop "$server"
# shellcheck disable=SC2016  # for the inner shell
nbdkit_under_test=(sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" "${nbdkit_under_test[@]}")
refused 'Argon2 needs 512 MiB of memory, and the control group has [0-9]+ MiB left' "${parameters[@]}"
