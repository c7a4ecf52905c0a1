#!/bin/bash
# The image, built as users do and run with nothing that it does not need: it serves through a socket
# in a volume, says how it is, ends at once, and has nothing in it that does not belong there.
. "$(dirname -- "$0")/../interop/lib.sh"
. "$here/tls.sh"
. "$here/servers.sh"
. "$here/../container/lib.sh"

need docker-compose dockerd docker catatonit
own_podman
have_base_image
max_size=$((37 * 1000 * 1000)) # bytes; README says how large it is
name=vm1

make_luks2 vm1 16M --sector-size 4096 --pbkdf argon2id --pbkdf-memory 65536 --pbkdf-force-iterations 4 \
  --pbkdf-parallel 1
volume_key vm1

note "README's own commands build it and use it"
fenced container >"$tmp/readme.sh"
cat "$tmp/readme.sh"
mkdir "$tmp/clone"
cp -r "$root"/{CMakeLists.txt,CMakePresets.json,LICENSE,.dockerignore,config,docker,docs,plugin,server} "$tmp/clone/"
cp "$tmp/vm1.header" "$tmp/clone/header.img"
cp "$tmp/vm1.payload" "$tmp/clone/payload.img"
cp "$tmp/vm1.secret" "$tmp/clone/secret"
(cd "$tmp/clone" && bash -euo pipefail "$tmp/readme.sh") >"$tmp/readme.log" 2>&1 ||
  fail "README's commands: $(tail -n 20 "$tmp/readme.log")"
matches 'export-size: 16777216' "$tmp/readme.log"
image=localhost/luksdetached

note "what is in it"
size=$(podman image inspect -f '{{.Size}}' "$image")
note "$size bytes"
[ "$size" -lt $max_size ] || fail "the image is larger than $max_size bytes"
files=$(podman image mount "$image")
(cd "$files" && find . -type f -o -type l) | sort >"$tmp/files"
[ "$(cd "$files" && echo usr/bin/*)" = "usr/bin/luksdetached usr/bin/nbdkit" ] || fail "programs: $(grep bin/ "$tmp/files")"
others=$(grep -Ev '^\./(etc/(group|passwd)|lib[0-9a-z]*|usr/(bin|lib[0-9a-z]*|share/doc)/.*)$' "$tmp/files") || true
[ -z "$others" ] || fail "files that nobody needs: $others"
for package in luksdetached nbdkit glibc gnutls28; do
  [ -s "$files/usr/share/doc/$package/copyright" ] || fail "no licence of $package"
done
[ -z "$(find "$files" -type f -perm /6000)" ] || fail "programs with another user's rights"
podman image unmount "$image" >/dev/null
podman image inspect -f '{{json .HealthCheck}}' "$image" | grep -q healthcheck || fail "no HEALTHCHECK"

# Header and payload on volumes of their own; the socket in a folder of the host.
for volume in headers payloads; do podman volume create "$volume" >/dev/null; done
payloads=$(podman volume inspect -f '{{.Mountpoint}}' payloads)
install -m 0444 "$tmp/vm1.header" "$(podman volume inspect -f '{{.Mountpoint}}' headers)/vm1.img"
install -m 0600 -o 10809 -g 10809 "$tmp/vm1.payload" "$payloads/vm1.img"
install -m 0400 -o 10809 -g 10809 "$tmp/vm1.secret" "$tmp/secret"
install -d -m 0750 -o 10809 -g 10809 "$tmp/run"

# run_image SECRET_FILE: in the background, hardened.
run_image() {
  podman run --detach --name "$name" --read-only --read-only-tmpfs=false --cap-drop=all \
    --security-opt=no-new-privileges --network=none --pids-limit=256 --memory=512m \
    -v "$1:/run/secrets/vm1:ro" -v "$tmp/clone/config.toml:/etc/luksdetached/config.toml:ro" \
    -v headers:/srv/headers:ro -v payloads:/srv/payloads -v "$tmp/run:/run/luksdetached" "$image" >/dev/null
  process=$(podman inspect -f '{{.State.Pid}}' "$name")
}
ready() { podman exec "$name" luksdetached healthcheck /etc/luksdetached/config.toml --ready vm1; }

note "nothing that it does not need"
run_image "$tmp/secret"
eventually ready
hardened "$process"
matches ' /srv/headers ro[, ]' "/proc/$process/mountinfo"
[ "$(cat "/proc/$process/comm")" = nbdkit ] || fail "process 1 is not nbdkit"
matches '^NSpid:.*[[:space:]]1$' "/proc/$process/status"

note "health"
podman healthcheck run "$name" || fail "not healthy: $(podman logs "$name" 2>&1)"
podman exec "$name" luksdetached status /etc/luksdetached/config.toml
[ "$(stat -c '%a %u' "$tmp/run/status.sock")" = "600 10809" ] || fail "mode of the status socket"

note "clients on the host"
uri="nbd+unix:///vm1?socket=$tmp/run/nbd.sock"
[ "$(nbdinfo --size "$uri")" = $((16 << 20)) ] || fail "size"
noise 16M >"$tmp/plain"
nbdcopy --flush "$tmp/plain" "$uri"
nbd_shell -u "$uri" -c 'h.pwrite(b"written through nbdsh" * 100, 12345); h.flush()'
printf 'written through nbdsh%.0s' {1..100} |
  dd of="$tmp/plain" bs=1 seek=12345 conv=notrunc status=none
nbdcopy "$uri" "$tmp/read"
same "$tmp/plain" "$tmp/read"
cp "$payloads/vm1.img" "$tmp/vm1.payload"
decrypted vm1 4096 >"$tmp/decrypted"
same "$tmp/plain" "$tmp/decrypted"

# ends_cleanly COMMAND…: it has the container end, with two clients attached: one that does nothing, and
# one that asks for more all the time.
ends_cleanly() {
  local start
  in_background "$tmp/idle.log" /usr/bin/python3 -m nbd -u "$uri" -c '
print("attached", flush=True)
import time; time.sleep(600)'
  in_background "$tmp/busy.log" /usr/bin/python3 -m nbd -u "$uri" -c '
print("attached", flush=True)
while True: h.pread(65536, 0)'
  eventually grep -q attached "$tmp/idle.log"
  eventually grep -q attached "$tmp/busy.log"
  start=$(date +%s%3N)
  "$@" >/dev/null
  eventually not_running
  fast_enough "$start"
  [ "$(podman inspect -f '{{.State.ExitCode}}' "$name")" = 0 ] ||
    fail "exit status $(podman inspect -f '{{.State.ExitCode}}' "$name")"
  [ ! -e "$tmp/run/status.sock" ] || fail "left its status socket"
  rm "$tmp/idle.log" "$tmp/busy.log"
}
not_running() { [ "$(podman inspect -f '{{.State.Running}}' "$name")" = false ]; }

note "stopped with clients attached"
ends_cleanly podman stop --time 10 "$name"

note "started again, the data are there; SIGTERM alone"
podman start "$name" >/dev/null
eventually ready
nbdcopy "$uri" "$tmp/read"
same "$tmp/plain" "$tmp/read"
ends_cleanly kill -TERM "$(podman inspect -f '{{.State.Pid}}' "$name")"
podman rm "$name" >/dev/null

note "a wrong secret: it says so and goes on, healthy but not ready"
noise 40 >"$tmp/wrong"
chmod 444 "$tmp/wrong"
run_image "$tmp/wrong"
healthy() { podman healthcheck run "$name"; }
eventually healthy
refused_there() { podman logs "$name" 2>&1 | grep 'export vm1 is refused to clients.*does not match'; }
eventually refused_there
refused_there
if ready; then fail "ready with a wrong secret"; fi
podman stop --time 10 "$name" >/dev/null

note "no layer has the secret or the key"
podman save --format docker-archive -o "$tmp/image.tar" "$image" 2>/dev/null
looked=0
/usr/bin/python3 "$here/../container/image_holds.py" "$tmp/image.tar" "$tmp/vm1.secret" "$tmp/vm1.rawkey" || looked=$?
[ "$looked" = 1 ] || fail "image_holds.py: status $looked"
# That this would find them: in a lower layer, and in hexadecimal.
mkdir "$tmp/planted"
cp "$tmp/vm1.secret" "$tmp/vm1.key" "$tmp/planted/"
: >"$tmp/planted/empty"
printf 'FROM %s\nCOPY vm1.secret /x\nCOPY vm1.key /y\nCOPY empty /x\n' "$image" >"$tmp/planted/Dockerfile"
build_image planted "$tmp/planted"
podman save --format docker-archive -o "$tmp/planted.tar" planted 2>/dev/null
for file in vm1.secret vm1.rawkey; do
  /usr/bin/python3 "$here/../container/image_holds.py" "$tmp/planted.tar" "$tmp/$file" ||
    fail "a planted $file is not found"
done

note "with nbdkit's curl plugin it reads a header from a web server"
build_image luksdetached-curl --build-arg NBDKIT_PLUGINS=curl -f "$root/docker/Dockerfile" "$tmp/clone"
mkdir "$tmp/web"
cp "$tmp/vm1.header" "$tmp/web/header"
web_server
test_header() {
  podman run --rm --read-only --cap-drop=all --network=host -v "$tmp/secret:/run/secrets/vm1:ro" \
    "${@:2}" "$1" test "$https/header" --secret /run/secrets/vm1
}
authority_of_the_test=(-v "$tmp/ca/ca-cert.pem:/etc/ssl/certs/ca-certificates.crt:ro")
test_header luksdetached-curl "${authority_of_the_test[@]}"
if test_header luksdetached-curl; then fail "a server that Debian's authorities do not vouch for"; fi
if test_header luksdetached "${authority_of_the_test[@]}"; then fail "no plugin, but it reads"; fi

for part in compose kubernetes; do
  note "$part"
  "$here/../container/$part.sh"
done
