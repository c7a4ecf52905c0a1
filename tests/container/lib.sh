# What the container tests share; sourced after the interop tests' lib.sh.
# shellcheck shell=bash disable=SC2154  # tmp and others come from lib.sh

root=$(cd -- "$here/../.." && pwd)

[ "$(id -u)" = 0 ] || skip "not root, which containers need on this machine"

# need PROGRAM…: they come from Debian packages, in tests/dev/packages/slow.
need() {
  local program
  for program; do
    command -v "$program" >/dev/null || skip "no $program (as root: tests/dev/install-packages slow)"
  done
}

# own_podman: podman with images, containers, volumes and networks of the test's own; the machine's are
# left alone. Its settings are for where nothing may be raised beyond today's limits and there is no
# systemd: crun does not take mixed cgroup hierarchies, and nobody listens to the journal.
own_podman() {
  need podman runc
  mkdir "$tmp/podman"
  cat >"$tmp/podman/machine.conf" <<END
[containers]
default_ulimits = ["nofile=$(ulimit -Hn):$(ulimit -Hn)", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
END
  {
    cat "$tmp/podman/machine.conf"
    printf '%s = "%s"\n' static_dir "$tmp/podman/libpod" tmp_dir "$tmp/podman/tmp" \
      volume_path "$tmp/podman/volumes"
    printf '[network]\nnetwork_config_dir = "%s"\n' "$tmp/podman/networks"
  } >"$tmp/podman/containers.conf"
  cat >"$tmp/podman/storage.conf" <<END
[storage]
driver = "overlay"
graphroot = "$tmp/podman/storage"
runroot = "$tmp/podman/run"
END
  export CONTAINERS_CONF=$tmp/podman/containers.conf CONTAINERS_STORAGE_CONF=$tmp/podman/storage.conf
  chmod 755 "$tmp" # containers run as others
  defer unmount_all
  defer end_podman
}
machines_podman() {
  env -u CONTAINERS_STORAGE_CONF "CONTAINERS_CONF=$tmp/podman/machine.conf" podman "$@"
}
end_podman() {
  local network
  podman pod rm --all --force --time 0
  podman rm --all --force --time 0
  for network in $(podman network ls --format '{{.Name}}'); do
    [ "$network" = podman ] || podman network rm --force "$network"
  done
} >/dev/null 2>&1

# What podman and Docker have mounted in the test's folder.
unmount_all() {
  local mount
  awk -v "d=$tmp/" 'index($2, d) == 1 {print $2}' /proc/mounts | sort -r |
    while read -r mount; do umount "$mount"; done
}

# What FROM debian:bookworm-slim means, made of Debian's packages, as there may be no registry. It takes
# a minute: the machine's own podman keeps it for the next test.
base_image=docker.io/library/debian:bookworm-slim
kept_base_image=localhost/luksdetached-test-base
have_base_image() {
  need debootstrap
  (
    flock 9
    machines_podman image exists "$kept_base_image" || make_base_image
  ) 9>/run/lock/luksdetached-test-base
  machines_podman save "$kept_base_image" 2>/dev/null | podman load >/dev/null 2>&1
  podman tag "$kept_base_image" "$base_image"
}
make_base_image() {
  local tree=$tmp/base mirror
  note "making $base_image"
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | head -n 1)
  debootstrap --variant=minbase bookworm "$tree" "${mirror:-http://deb.debian.org/debian}" \
    >"$tmp/debootstrap.log" 2>&1 || fail "debootstrap: $(tail -n 5 "$tmp/debootstrap.log")"
  # As in the image of that name, nothing is left of documentation but licences.
  find "$tree/usr/share/doc" ! -type d ! -name copyright -delete
  rm -rf "$tree"/var/cache/apt/*.bin "$tree"/var/cache/apt/archives/*.deb \
    "$tree"/var/lib/apt/lists/* "$tree"/var/log/*.log "$tree"/var/log/apt \
    "$tree"/usr/share/{man,info,locale,groff,lintian}/*
  # The sources of this machine, security updates with them.
  if [ -e /etc/apt/sources.list.d/debian.sources ]; then
    cp /etc/apt/sources.list.d/debian.sources "$tree/etc/apt/sources.list.d/"
    rm -f "$tree/etc/apt/sources.list"
  fi
  tar -C "$tree" --numeric-owner --one-file-system --exclude='./dev/*' -c . |
    machines_podman import --change 'CMD ["bash"]' - "$kept_base_image" >"$tmp/import.log" 2>&1 ||
    fail "podman import: $(cat "$tmp/import.log")"
  rm -rf --one-file-system "$tree"
}

# build_image NAME OPTION… FOLDER
build_image() {
  podman build --format docker -t "$@" >"$tmp/build.log" 2>&1 ||
    fail "podman build: $(tail -n 20 "$tmp/build.log")"
}

# hardened PROCESS: it may do nothing beyond what its user, 10809, may.
hardened() {
  local line
  for line in 'Uid:.10809.10809.10809.10809' 'Cap(Eff|Prm|Bnd):.0000000000000000' 'NoNewPrivs:.1' \
    'Seccomp:.2'; do
    matches "^$line" "/proc/$1/status"
  done
  matches ' / / ro[, ]' "/proc/$1/mountinfo"
}

# fast_enough START: less than 9 seconds, in milliseconds, since START: Docker and Kubernetes kill after 10.
fast_enough() {
  local took=$(($(date +%s%3N) - $1))
  note "$took ms"
  [ "$took" -lt 9000 ] || fail "was not done in time"
}
