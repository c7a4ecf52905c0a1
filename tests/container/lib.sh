# What the container tests share; sourced after the interop tests' lib.sh.
# shellcheck shell=bash disable=SC2154  # tmp and others come from lib.sh

root=$(cd -- "$here/../.." && pwd)
base_image=docker.io/library/debian:bookworm-slim

[ "$(id -u)" = 0 ] || skip "not root, which containers need on this machine"

# need PROGRAM…: they come from Debian packages, in tests/dev/packages/slow.
need() {
  local program
  for program; do
    command -v "$program" >/dev/null || skip "no $program (as root: tests/dev/install-packages slow)"
  done
}

# podman as it also works where nothing may be raised beyond today's limits and there is no systemd:
# crun does not take mixed cgroup hierarchies, and nobody listens to the journal.
export CONTAINERS_CONF=$tmp/containers.conf
cat >"$CONTAINERS_CONF" <<END
[containers]
default_ulimits = ["nofile=$(ulimit -Hn):$(ulimit -Hn)", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
END

# What FROM debian:bookworm-slim means, made of Debian's packages where there is no registry.
have_base_image() {
  if podman image exists "$base_image"; then return; fi
  note "making $base_image"
  local tree=$tmp/base mirror
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | head -n 1)
  debootstrap --variant=minbase bookworm "$tree" "${mirror:-http://deb.debian.org/debian}" \
    >"$tmp/debootstrap.log" 2>&1 || fail "debootstrap: $(tail -n 5 "$tmp/debootstrap.log")"
  rm -rf "$tree"/var/cache/apt/*.bin "$tree"/var/cache/apt/archives/*.deb \
    "$tree"/var/lib/apt/lists/* "$tree"/var/log/*.log "$tree"/var/log/apt \
    "$tree"/usr/share/{doc,man,info,locale,groff,lintian}/*
  # The sources of this machine, security updates with them.
  if [ -e /etc/apt/sources.list.d/debian.sources ]; then
    cp /etc/apt/sources.list.d/debian.sources "$tree/etc/apt/sources.list.d/"
    rm -f "$tree/etc/apt/sources.list"
  fi
  tar -C "$tree" --numeric-owner --one-file-system --exclude='./dev/*' -c . |
    podman import --change 'CMD ["bash"]' - "$base_image" >"$tmp/import.log" 2>&1 ||
    fail "podman import: $(cat "$tmp/import.log")"
  rm -rf --one-file-system "$tree"
}
