#!/bin/bash
# The package on a Debian that has nothing else: installed, used, upgraded while it serves, removed.
. "$(dirname -- "$0")/../interop/lib.sh"
. "$here/../container/lib.sh"

need dh
own_podman
have_base_image
mkdir "$tmp/image"
"$here/../package/build-package" "$build" "$tmp/image"
mv "$tmp"/image/luksdetached_*.deb "$tmp/image/luksdetached.deb"
fenced systemd >"$tmp/image/readme.sh"
mkdir "$tmp/image/walk"
cp "$here/transcript.py" "$here/../../docs/walk.md" "$tmp/image/walk/"
cat >"$tmp/image/Dockerfile" <<END
FROM $base_image
COPY luksdetached.deb /
# What it depends on, and nothing more, is enough to serve a volume.
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends /luksdetached.deb \
 && luksdetached --version && nbdkit luksdetached --dump-plugin && luksdetached create --help
# Not linked with anything of ours: what a server needs that is reached over NBD, and what makes headers.
RUN printf secret >secret && luksdetached create --header header --payload payload --payload-size 1M --secret secret \
 && nbdkit -U - file header --run 'luksdetached test --secret secret "\$uri"'
# Clients, what shows that man pages, completions and the unit are found, and what the walk uses.
RUN DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
  bash-completion dbus e2fsprogs libnbd-bin man-db python3 qemu-utils systemd zsh \
 && useradd --create-home walker
COPY readme.sh /root/
COPY walk /walk/
WORKDIR /root
STOPSIGNAL SIGRTMIN+3
# On a machine systemd makes all mounts shared itself; credentials are mounted so.
CMD ["sh", "-c", "mount --make-rshared / && exec /lib/systemd/systemd"]
END
build_image machine "$tmp/image"
podman run --detach --name machine --systemd=always --cap-add=SYS_ADMIN machine >/dev/null
inside() { podman exec machine "$@"; }
booted() { inside systemctl is-system-running | grep -E 'running|degraded'; }
eventually booted

note "what users find"
inside man --pager cat luksdetached nbdkit-luksdetached-plugin >"$tmp/man"
matches 'luksdetached serve CONFIG' "$tmp/man"
matches 'luksdetached header=' "$tmp/man"
inside bash -c '. /usr/share/bash-completion/bash_completion; _completion_loader luksdetached; complete -p luksdetached'
inside zsh -c 'autoload -U compinit; compinit -u -D; whence -v $_comps[luksdetached]; print $_comps[luksdetached]' >"$tmp/zsh"
matches '^_luksdetached$' "$tmp/zsh"
inside ls /usr/share/fish/vendor_completions.d/luksdetached.fish /usr/share/doc/luksdetached/examples/config.toml

note "a volume is made, served by nbdkit, written and read"
inside sh -euc '
  umask 077
  head -c 64 /dev/urandom >secret
  luksdetached create --header header.img --payload payload.img --payload-size 4M --secret secret --pbkdf pbkdf2
  nbdkit -U - luksdetached header=header.img payload=payload.img secret=secret --run "
    nbdinfo \"\$uri\"
    nbdcopy /usr/bin/nbdinfo \"\$uri\""
  nbdkit -r -U - luksdetached header=header.img payload=payload.img secret=secret --run "nbdcopy \"\$uri\" read"
  cmp --bytes="$(stat -c %s /usr/bin/nbdinfo)" read /usr/bin/nbdinfo
  ! grep -q "$(head -c 16 /usr/bin/nbdinfo | tail -c 12)" payload.img
' >"$tmp/nbdkit"
matches 'export-size: 4194304' "$tmp/nbdkit"

note "an ordinary user takes the walk"
inside su --login --command='python3 -B /walk/transcript.py --all-output /walk/walk.md' walker >"$tmp/walk.log" 2>&1 ||
  fail "the walk: $(tail -n 30 "$tmp/walk.log")"

note "the unit waits for a config"
inside systemd-analyze verify --man=yes luksdetached.service >"$tmp/verify" 2>&1 || fail "verify: $(cat "$tmp/verify")"
[ ! -s "$tmp/verify" ] || fail "verify: $(cat "$tmp/verify")"
property() { inside systemctl show --property "$1" --value luksdetached; }
waits_for_config() {
  [ "$(property UnitFileState) $(property ActiveState)" = "disabled inactive" ] || fail "$(inside systemctl status luksdetached)"
}
waits_for_config

note "README's commands"
inside bash -euo pipefail readme.sh >"$tmp/readme.log" 2>&1 ||
  fail "README's commands: $(tail -n 20 "$tmp/readme.log"; inside journalctl --unit luksdetached)"
matches 'export-size: 4194304' "$tmp/readme.log"
process=$(property MainPID)
policy=$(inside cat "/proc/$process/environ" | tr '\0' '\n' | sed -n 's/^GNUTLS_SYSTEM_PRIORITY_FILE=//p')
inside test -f "$policy" || fail "no policy for TLS: $policy"

note "upgraded while it serves: it goes on"
uri='nbd+unix:///vm1?socket=/run/luksdetached/nbd.sock'
inside dpkg --install /luksdetached.deb
[ "$(property MainPID)" = "$process" ] || fail "it was started again"
inside nbdinfo --size "$uri"
inside systemctl reload luksdetached

note "removed: the service ends; all that is left is the admin's"
purge() { inside apt-get purge -y luksdetached >"$tmp/purge.log" 2>&1 || fail "purge: $(cat "$tmp/purge.log")"; }
# left FILE…: these are what is left.
left() {
  # The machine's caches, and its root's files, are not the package's.
  inside find / -xdev \( -path /proc -o -path /sys -o -path /var/cache -o -path /root \) -prune -o \
    \( -path '*luksdetached*' -o -path '/srv/*' \) \( ! -type d -o -empty \) -print | sort >"$tmp/left"
  printf '%s\n' "$@" /luksdetached.deb | sort | diff - "$tmp/left" || fail "the others are left, or missing"
}
purge
if inside test -e "/proc/$process"; then fail "it still runs"; fi
left /etc/luksdetached/config.toml /etc/luksdetached/secrets/vm1 /srv/headers/vm1.img /srv/payloads/vm1.img
inside getent passwd luksdetached # to whom the payload belongs

note "removed without having been used"
inside rm /etc/luksdetached/config.toml /etc/luksdetached/secrets/vm1
inside dpkg --install /luksdetached.deb
waits_for_config
purge
left /srv/headers/vm1.img /srv/payloads/vm1.img
if inside test -e /etc/luksdetached; then fail "it left its folder"; fi
