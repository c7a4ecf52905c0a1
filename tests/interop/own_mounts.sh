# Sourced before lib.sh: the test runs in a mount namespace of its own, where that is allowed. What it mounts in
# the common one could stay mounted after its umount: in the namespaces that other tests make, copies of that.
# shellcheck shell=bash
if [ -z "${own_mounts:-}" ] && unshare --mount true 2>/dev/null; then
  own_mounts=true exec unshare --mount bash "$0" "$@"
fi
