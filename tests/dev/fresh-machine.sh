#!/bin/bash
# On a Debian with nothing installed, in a clone of the last commit:
#   fresh-machine.sh quickstart  is ./quickstart the only command that is needed on Debian 12?
#   fresh-machine.sh check       is ./check?
#   fresh-machine.sh debian13    on Debian 13: ./quickstart, and the fast tests (the static checks and the
#                                fuzz targets of ./check are for the tools of Debian 12)
# Without an argument the first two. Exits 77 where such a machine cannot be made.
set -euo pipefail
source_tree=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
cache=$source_tree/build/fresh-machine # has each Debian as a tar file, made again after a week
work=$cache/work
tree=/usr/src/luksdetached             # in the machine, where the tests' other users can see it
machine_path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

skip() {
  echo "SKIP: $*"
  exit 77
}
fail() {
  echo "fresh-machine: $*" >&2
  exit 1
}

[ "$(id -u)" = 0 ] || skip "not root"
unshare --mount --pid --fork true 2>/dev/null || skip "mounts and processes of its own are not allowed here"
"$source_tree/tests/dev/install-packages" slow || skip "debootstrap and git cannot be installed"

# All mounts are made in the mount namespaces of in_machine, and are gone with them; what is deleted
# here is a plain folder.
clean() { rm -rf --one-file-system "$work"; }
mkdir -p "$cache"
exec {lock}>"$cache/lock"
flock -n "$lock" || fail "another run is using $cache"
clean
mkdir "$work"
trap clean EXIT

# use_release CODENAME: of Debian, for all new machines.
use_release() {
  local here mirror
  base=$cache/$1.tar
  find "$cache" -maxdepth 1 -name '*.tar' -mtime +7 -delete
  [ ! -f "$base" ] || return 0
  echo "== debootstrap $1"
  here=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $here" |
    head -n 1)
  debootstrap --variant=minbase "$1" "$work/base" "${mirror:-http://deb.debian.org/debian}" \
    >"$cache/debootstrap.log" 2>&1 || {
    tail -n 5 "$cache/debootstrap.log"
    skip "debootstrap does not work here"
  }
  # apt is to work as it does on this machine: its Debian sources, its proxy.
  if [ -f /etc/apt/sources.list.d/debian.sources ]; then
    rm -f "$work/base/etc/apt/sources.list"
    sed "s/\b$here\b/$1/g" /etc/apt/sources.list.d/debian.sources \
      >"$work/base/etc/apt/sources.list.d/debian.sources"
  else
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
      grep -E '^deb .*(deb|security)\.debian\.org' | sed "s/\b$here\b/$1/g" \
      >"$work/base/etc/apt/sources.list" || true
  fi
  apt-config dump | grep -E '^Acquire::(https?::|Check-|Retries|Force)' \
    >"$work/base/etc/apt/apt.conf.d/90host" || true
  tar -C "$work/base" --numeric-owner --one-file-system -cf "$base.new" .
  mv "$base.new" "$base"
  rm -rf --one-file-system "$work/base"
}

# new_machine NAME: a fresh Debian with a clone of the last commit.
new_machine() {
  local root=$work/$1
  mkdir "$root"
  tar -C "$root" --numeric-owner -xf "$base"
  # What an installer or a container engine writes.
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
  printf '127.0.0.1 localhost\n::1 localhost ip6-localhost\n' >"$root/etc/hosts"
  # A home of its own: git may otherwise refuse a tree of another owner.
  printf '[safe]\n\tdirectory = *\n' >"$work/.gitconfig"
  HOME=$work git clone --quiet --depth 1 "file://$source_tree" "$root$tree"
}

# in_machine NAME COMMAND: runs a shell command in the clone, with a /proc, /sys, /dev and process
# numbers of its own, and none of this shell's environment. Its root is not that of a chroot, in which
# nobody may make namespaces, as some tests do.
in_machine() {
  local keep=() name
  for name in http_proxy https_proxy no_proxy; do
    [ -z "${!name:-}" ] || keep+=("$name=${!name}")
  done
  # shellcheck disable=SC2016 # expanded inside
  unshare --mount --pid --fork --kill-child --propagation private bash -euc '
    root=$1 directory=$2 command=$3
    shift 3
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --bind /dev "$root/dev"
    mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$root/dev/pts"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
    mount -t tmpfs -o mode=0755 tmpfs "$root/run"
    cd "$root"
    pivot_root . .
    umount --lazy .
    exec env -i "$@" sh -c "cd $directory && $command"
  ' - "$work/$1" "$tree" "$2" HOME=/root "PATH=$machine_path" "${keep[@]}" </dev/null
}

expect_plugin() {
  [ -f "$work/$1$tree/build/plugin/nbdkit-luksdetached-plugin.so" ] || fail "$2 made no plugin"
}

timed() {
  local start=$SECONDS
  "$@" || return
  echo "== that took $((SECONDS - start)) s"
}

test_quickstart() {
  echo "== ./quickstart"
  new_machine quickstart
  timed in_machine quickstart ./quickstart || fail "./quickstart failed"
  expect_plugin quickstart ./quickstart
  echo "== ./quickstart again, in place of the first demo"
  timed in_machine quickstart ./quickstart || fail "./quickstart failed the second time"
  echo "== ./quickstart HEADER PAYLOAD SECRET, ended by SIGTERM"
  # shellcheck disable=SC2016
  in_machine quickstart '
    cd demo || exit
    ../quickstart header.img file://$PWD/payload.img secret.key & server=$!
    for i in 1 2 3 4 5 6 7 8 9 10; do
      sleep 1
      ! [ -S serve.sock ] || break
    done
    nbdcopy "nbd+unix:///?socket=$PWD/serve.sock" - | cmp - plain.img && kill $server && wait $server
  ' || fail "./quickstart does not serve a volume that is named"
  rm -rf --one-file-system "$work/quickstart"
}

test_check() {
  echo "== ./check"
  new_machine check
  timed in_machine check ./check || fail "./check failed"
  expect_plugin check ./check
  rm -rf --one-file-system "$work/check"
}

test_debian13() {
  echo "== ./quickstart"
  new_machine debian13
  timed in_machine debian13 ./quickstart || fail "./quickstart failed"
  expect_plugin debian13 ./quickstart
  echo "== the build and the fast tests"
  # shellcheck disable=SC2016 # expanded inside
  timed in_machine debian13 '
    . /etc/os-release
    echo "on $PRETTY_NAME"
    tests/dev/install-packages run build test || exit
    tests/dev/build-preset release || exit
    dpkg-query -W -f "\${Package} \${Version}\n" nbdkit g++ qemu-utils libnbd0 cryptsetup-bin
    mkdir -p build/check
    ctest --preset release -j $(($(nproc) * 2)) --timeout 300 --label-exclude "^(slow|fresh)\$" \
      --no-label-summary --output-junit "$PWD/build/check/tests.xml" >build/check/tests.log
    printf "ctest\ttests\t%s\t-\t%s\n" $? build/check/tests.xml >build/check/steps
    /usr/bin/python3 tests/dev/summary.py build/check tests/dev/allowed-skips
  ' || fail "the build or its tests failed"
  rm -rf --one-file-system "$work/debian13"
}

[ -z "$(git -C "$source_tree" -c "safe.directory=$source_tree" status --porcelain)" ] ||
  echo "note: changes that are not committed are not tested here"
case ${1:-both} in
  quickstart | check | both) use_release bookworm ;;
  debian13) use_release trixie ;;
  *) fail "usage: fresh-machine.sh [quickstart|check|debian13]" ;;
esac
case ${1:-both} in
  both)
    test_quickstart
    test_check
    ;;
  *) "test_$1" ;;
esac
