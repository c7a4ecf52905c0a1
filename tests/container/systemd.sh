#!/bin/bash
# The systemd unit, as `cmake --install` installs it, under a real systemd, which is process 1 of a
# container. README's commands set it up.
. "$(dirname -- "$0")/../interop/lib.sh"
. "$here/../container/lib.sh"

own_podman
have_base_image
exposure=15 # of 100, what `systemd-analyze security` may say: 1.5

make_luks2 vm1 4M --sector-size 512 --pbkdf argon2id "${cheap_argon2[@]}"
mkdir "$tmp/image" "$tmp/image/work"
DESTDIR=$tmp/image/root cmake --install "$build" >"$tmp/install.log" 2>&1 || fail "cmake --install: $(cat "$tmp/install.log")"
for file in header payload; do cp "$tmp/vm1.$file" "$tmp/image/work/$file.img"; done
cp "$tmp/vm1.secret" "$tmp/image/work/secret"
# The packages of the libraries that our files are linked with; dpkg knows some by the name below /usr.
packages=$(
  for file in $(ldd "$plugin" "$build/server/luksdetached" | grep -o '/[^ ]* (0x' | cut -d' ' -f1 | sort -u); do
    dpkg-query -S "$file" || dpkg-query -S "$(realpath "$file")"
  done 2>/dev/null | cut -d: -f1 | sort -u | tr '\n' ' '
)
{ fenced systemd-sysusers; fenced systemd; } >"$tmp/image/work/readme.sh"
cat >"$tmp/image/Dockerfile" <<END
FROM $base_image
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends dbus libnbd-bin nbdkit systemd $packages
COPY root /
COPY work /work
WORKDIR /work
STOPSIGNAL SIGRTMIN+3
# On a machine systemd makes all mounts shared itself; credentials are mounted so.
CMD ["sh", "-c", "mount --make-rshared / && exec /lib/systemd/systemd"]
END
build_image machine "$tmp/image"

note "the unit, by systemd-analyze"
unit=/usr/local/lib/systemd/system/luksdetached.service
podman run --rm machine systemd-analyze verify --man=no "$unit" >"$tmp/verify" 2>&1 || fail "verify: $(cat "$tmp/verify")"
[ ! -s "$tmp/verify" ] || fail "verify: $(cat "$tmp/verify")" # it succeeds with unknown keys
podman run --rm -e SYSTEMD_COLORS=0 -e SYSTEMD_URLIFY=0 machine systemd-analyze security --offline=true --threshold=$exposure "$unit" >"$tmp/security" ||
  fail "too exposed: $(cat "$tmp/security")"
tail -n 1 "$tmp/security"

note "a machine with systemd; its sandboxes need mounts"
podman run --detach --name machine --systemd=always --cap-add=SYS_ADMIN machine >/dev/null
inside() { podman exec machine "$@"; }
booted() { inside systemctl is-system-running | grep -E 'running|degraded'; }
eventually booted

note "README's commands"
cat "$tmp/image/work/readme.sh"
inside bash -euo pipefail readme.sh >"$tmp/readme.log" 2>&1 ||
  fail "README's commands: $(tail -n 20 "$tmp/readme.log"; inside journalctl --unit luksdetached)"
matches 'export-size: 4194304' "$tmp/readme.log"
journal() { inside journalctl --quiet --unit luksdetached --output cat >"$tmp/journal"; }
property() { inside systemctl show --property "$1" --value luksdetached; }

note "nothing that it does not need"
process=$(property MainPID)
inside cat "/proc/$process/status" >"$tmp/status"
user=$(inside id -u luksdetached)
for line in "Uid:.$user.$user.$user.$user" 'Cap(Eff|Prm|Bnd):.0000000000000000' 'NoNewPrivs:.1' 'Seccomp:.2'; do
  matches "^$line" "$tmp/status"
done
inside cat "/proc/$process/limits" >"$tmp/limits"
matches '^Max core file size +0 +0 ' "$tmp/limits"
inside cat "/proc/$process/mountinfo" >"$tmp/mounts"
matches ' / / ro[, ]' "$tmp/mounts"

note "clients are members of the group"
uri='nbd+unix:///vm1?socket=/run/luksdetached/nbd.sock'
inside setpriv --reuid=nobody --regid=nogroup --groups=luksdetached nbdinfo --size "$uri"
expect_failure podman exec machine setpriv --reuid=nobody --regid=nogroup --clear-groups nbdinfo --size "$uri"

note "a client writes and reads"
noise 4M >"$tmp/plain"
podman cp "$tmp/plain" machine:/work/plain
inside nbdcopy --flush plain "$uri"
inside nbdcopy "$uri" read
inside cmp plain read
podman cp machine:/srv/payloads/vm1.img "$tmp/vm1.payload"
decrypted vm1 512 >"$tmp/decrypted"
same "$tmp/plain" "$tmp/decrypted"

note "reload: another export, and a config with a mistake"
inside sh -c 'sed "/export/,\$!d; s/\"vm1\"/\"more\"/" /etc/luksdetached/config.toml >more
  echo "readonly = true" >>more
  cat more >>/etc/luksdetached/config.toml'
inside systemctl reload luksdetached
ready() { inside luksdetached healthcheck --ready /etc/luksdetached/config.toml "$@"; }
eventually ready vm1 more
inside sh -c 'cp /etc/luksdetached/config.toml good; echo mistake >>/etc/luksdetached/config.toml'
expect_failure podman exec machine systemctl reload luksdetached
journal
matches 'config.toml:[0-9]+:' "$tmp/journal"
inside cp good /etc/luksdetached/config.toml
ready vm1 more
[ "$(property MainPID)" = "$process" ] || fail "it was started again"

note "killed: it comes back"
inside systemctl kill --signal=KILL luksdetached
eventually ready vm1 more
[ "$(property MainPID)" != "$process" ] || fail "it was not killed"

note "another secret, after a restart"
inside cp /etc/luksdetached/secrets/vm1 /etc/luksdetached/secrets/other
inside sed -i s/secret_vm1/secret_other/ /etc/luksdetached/config.toml
inside systemctl restart luksdetached
eventually ready vm1 more

note "stopped with a client attached"
podman exec --detach machine sh -c "nbdcopy '$uri' - | sleep 600"
attached() { inside luksdetached status --json /etc/luksdetached/config.toml | jq -e '.exports[0].clients > 0'; }
eventually attached
start=$(date +%s%3N)
inside systemctl stop luksdetached
fast_enough "$start"
[ "$(property Result) $(property ExecMainStatus)" = "success 0" ] || fail "$(inside systemctl status luksdetached)"
if inside test -e /run/luksdetached; then fail "left its folder"; fi
journal
cat "$tmp/journal"
