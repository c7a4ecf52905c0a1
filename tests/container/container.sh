#!/bin/bash
# The image, built as users do and run with nothing that it does not need: it serves through a socket
# in a volume, says how it is, ends at once, and has no secret in any layer.
. "$(dirname -- "$0")/../interop/lib.sh"
. "$here/../container/lib.sh"

need podman runc debootstrap docker-compose dockerd docker
image=localhost/luksdetached-test-$$
name=luksdetached-test-$$
have_base_image
defer podman rmi --force "$image"

make_luks2 vm1 16M --sector-size 4096 --pbkdf argon2id --pbkdf-memory 65536 --pbkdf-force-iterations 4 \
  --pbkdf-parallel 1
volume_key vm1

note "README's own commands build it and use it"
# Without --layers=false the build stage would stay here as an image without a name.
awk '$0 == "```container" { inside = 1; next } $0 == "```" { inside = 0 } inside' "$root/README.md" |
  sed -e "s#podman build#& --layers=false#" -e "s#\bluksdetached \.\$#$image .#" \
    -e "s#:/run/luksdetached\" luksdetached\$#:/run/luksdetached\" $image#" \
    -e "s#--name vm1\b#--name $name#" -e "s#\(podman [a-z]*\( run\)\?\) vm1\b#\1 $name#" >"$tmp/readme.sh"
cat "$tmp/readme.sh"
[ "$(grep -c "$image" "$tmp/readme.sh")" = 2 ] && [ "$(grep -c "$name" "$tmp/readme.sh")" -ge 5 ] ||
  fail "README has other commands than this test knows"
mkdir "$tmp/clone"
cp -r "$root"/{CMakeLists.txt,CMakePresets.json,.dockerignore,config,docker,docs,plugin,server} "$tmp/clone/"
cp "$tmp/vm1.header" "$tmp/clone/header.img"
cp "$tmp/vm1.payload" "$tmp/clone/payload.img"
cp "$tmp/vm1.secret" "$tmp/clone/secret"
chmod 755 "$tmp"
defer podman rm --force --time 0 "$name"
(cd "$tmp/clone" && bash -euo pipefail "$tmp/readme.sh") >"$tmp/readme.log" 2>&1 ||
  fail "README's commands: $(tail -n 20 "$tmp/readme.log")"
matches 'export-size: 16777216' "$tmp/readme.log"
size=$(podman image inspect -f '{{.Size}}' "$image")
base_size=$(podman image inspect -f '{{.Size}}' "$base_image")
note "the image has $((size / 1000000)) MB, $(((size - base_size) / 1000000)) MB of them ours and our libraries'"
podman image inspect -f '{{json .HealthCheck}}' "$image" | grep -q healthcheck || fail "no HEALTHCHECK"

# Header and payload on volumes of their own; the socket in a folder of the host.
for volume in headers payloads; do
  podman volume create "$name-$volume" >/dev/null
  defer podman volume rm --force "$name-$volume"
done
headers=$(podman volume inspect -f '{{.Mountpoint}}' "$name-headers")
payloads=$(podman volume inspect -f '{{.Mountpoint}}' "$name-payloads")
install -m 0444 "$tmp/vm1.header" "$headers/vm1.img"
install -m 0600 -o 10809 -g 10809 "$tmp/vm1.payload" "$payloads/vm1.img"
install -m 0400 -o 10809 -g 10809 "$tmp/vm1.secret" "$tmp/secret"
install -d -m 0750 -o 10809 -g 10809 "$tmp/run"

note "running it"
podman run --detach --name "$name" --read-only --read-only-tmpfs=false --cap-drop=all \
  --security-opt=no-new-privileges --network=none --pids-limit=256 --memory=512m \
  -v "$tmp/secret:/run/secrets/vm1:ro" \
  -v "$root/docker/config.toml:/etc/luksdetached/config.toml:ro" \
  -v "$name-headers:/srv/headers:ro" -v "$name-payloads:/srv/payloads" \
  -v "$tmp/run:/run/luksdetached" "$image" >/dev/null
defer podman rm --force --time 0 "$name"
ready() { podman exec "$name" luksdetached healthcheck /etc/luksdetached/config.toml --ready vm1; }
eventually ready

note "nothing that it does not need"
podman exec "$name" grep -E '^(Uid|CapPrm|CapEff|CapBnd|NoNewPrivs):' /proc/1/status | tee "$tmp/process"
for line in 'Uid:.10809.10809.10809.10809' 'Cap(Eff|Prm|Bnd):.0000000000000000' 'NoNewPrivs:.1'; do
  matches "^$line" "$tmp/process"
done
[ "$(podman exec "$name" cat /proc/1/comm)" = nbdkit ] || fail "process 1 is not nbdkit"
expect_failure podman exec "$name" touch /written
expect_failure podman exec "$name" touch /srv/headers/written

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

exit_status() { podman inspect -f '{{.State.Running}} {{.State.ExitCode}}' "$name"; }
note "stopped"
start=$(date +%s%3N)
podman stop --time 10 "$name" >/dev/null
took=$(($(date +%s%3N) - start))
note "podman stop took $took ms"
[ "$(exit_status)" = "false 0" ] || fail "running and exit status: $(exit_status)"
[ "$took" -lt 5000 ] || fail "it was not SIGTERM that ended it"
[ ! -e "$tmp/run/status.sock" ] || fail "left its status socket"

note "started again; the end without what podman needs for itself"
podman start "$name" >/dev/null
eventually ready
nbdcopy "$uri" "$tmp/read"
same "$tmp/plain" "$tmp/read"
process=$(podman inspect -f '{{.State.Pid}}' "$name")
start=$(date +%s%3N)
kill -TERM "$process"
while kill -0 "$process" 2>/dev/null; do
  [ $(($(date +%s%3N) - start)) -lt 1000 ] || fail "does not end within a second"
  sleep 0.02
done
note "$(($(date +%s%3N) - start)) ms"
stopped() { [ "$(exit_status)" = "false 0" ]; }
eventually stopped

note "a wrong secret: it says so and goes on, healthy but not ready"
podman rm "$name" >/dev/null
noise 40 >"$tmp/wrong"
chmod 444 "$tmp/wrong"
podman run --detach --name "$name" --read-only --cap-drop=all --network=none \
  -v "$tmp/wrong:/run/secrets/vm1:ro" -v "$root/docker/config.toml:/etc/luksdetached/config.toml:ro" \
  -v "$name-headers:/srv/headers:ro" -v "$name-payloads:/srv/payloads" \
  -v "$tmp/run:/run/luksdetached" "$image" >/dev/null
healthy() { podman healthcheck run "$name"; }
eventually healthy
refused_there() { podman logs "$name" 2>&1 | grep 'export vm1 is refused to clients.*does not match'; }
eventually refused_there
refused_there
if ready; then fail "ready with a wrong secret"; fi
podman stop --time 10 "$name" >/dev/null

"$here/../container/compose.sh" "$image"

note "no layer has the secret or the key"
podman save --format docker-archive -o "$tmp/image.tar" "$image" 2>/dev/null
looked=0
/usr/bin/python3 "$here/../container/image_holds.py" "$tmp/image.tar" "$tmp/vm1.secret" "$tmp/vm1.rawkey" || looked=$?
[ "$looked" = 1 ] || fail "image_holds.py: status $looked"
# That this would find them: deleted again by a later layer, and in hexadecimal.
mkdir "$tmp/planted"
cp "$tmp/vm1.secret" "$tmp/vm1.key" "$tmp/planted/"
printf 'FROM %s\nUSER root\nCOPY vm1.secret /x\nCOPY vm1.key /y\nRUN rm /x\n' "$image" >"$tmp/planted/Dockerfile"
defer podman rmi --force "$image-planted"
podman build --format docker -t "$image-planted" "$tmp/planted" >"$tmp/build.log" 2>&1 ||
  fail "podman build: $(tail -n 20 "$tmp/build.log")"
podman save --format docker-archive -o "$tmp/planted.tar" "$image-planted" 2>/dev/null
for file in vm1.secret vm1.rawkey; do
  /usr/bin/python3 "$here/../container/image_holds.py" "$tmp/planted.tar" "$tmp/$file" ||
    fail "a planted $file is not found"
done
