#!/bin/bash
# docker/compose.yaml, by the commands in its first lines: what it starts serves a volume whose header and
# payload are on different servers. Started by image.sh, for its images. Docker is one of our own, in a
# folder of ours, with only the networks of the file.
. "$(dirname -- "$0")/../interop/lib.sh"
. "$here/../container/lib.sh"

make_luks2 vm1 4M --sector-size 512 --pbkdf argon2id "${cheap_argon2[@]}"
chmod 755 "$tmp"
mkdir "$tmp/docker"
cp "$root"/docker/{compose.yaml,config.toml} "$tmp/docker/"
for file in header payload; do cp "$tmp/vm1.$file" "$tmp/docker/$file.img"; done
cp "$tmp/vm1.secret" "$tmp/docker/"

note "Docker"
export DOCKER_HOST=unix://$tmp/docker.sock COMPOSE_PROJECT_NAME=luksdetachedtest$$
stop_docker() {
  stop_quietly "$docker"
  unmount_all
}
dockerd --data-root "$tmp/docker.data" --exec-root "$tmp/docker.exec" --pidfile "$tmp/docker.pid" \
  -H "$DOCKER_HOST" --default-ulimit "nofile=1024:$(ulimit -Hn)" --iptables=false --bridge=none \
  >"$tmp/dockerd.log" 2>&1 &
docker=$!
defer stop_docker
eventually docker version
build_image luksdetached-client -f "$root/docker/client.Dockerfile" "$root/docker"
for image in luksdetached luksdetached-client; do
  podman save "localhost/$image" 2>/dev/null | docker load >/dev/null
  docker tag "localhost/$image" "$image"
done

note "the commands in the file"
# docker compose is Debian's docker-compose.
awk '!/^#/ { exit } sub(/^#   /, "") { sub(/ +#.*/, ""); sub(/docker compose/, "docker-compose"); print }' \
  "$tmp/docker/compose.yaml" >"$tmp/commands"
cat "$tmp/commands"
[ "$(wc -l <"$tmp/commands")" = 6 ] || fail "other commands than this test knows"
cd "$tmp/docker"
defer docker-compose down --volumes --timeout 5
sed '/docker-compose run/d' "$tmp/commands" | bash -euxo pipefail
container() { docker inspect -f "$2" "$(docker-compose ps -q "$1")"; }
healthy() { [ "$(container luksdetached '{{.State.Health.Status}}')" = healthy ]; }
for _ in 1 2; do healthy || eventually healthy; done # its first check comes after 10 seconds
ready() {
  docker-compose exec -T luksdetached luksdetached healthcheck /etc/luksdetached/config.toml --ready vm1
}
eventually ready
grep 'docker-compose run' "$tmp/commands" | bash -euo pipefail | tee "$tmp/info"
matches 'export-size: 4194304' "$tmp/info"

note "none of them may do anything"
for service in headers payloads luksdetached; do hardened "$(container $service '{{.State.Pid}}')"; done

note "the client writes and reads"
client() { docker-compose run --rm -T -v "$tmp/data:/data" client "$@"; }
install -d -o 10809 -g 10809 "$tmp/data"
noise 4M >"$tmp/data/plain"
client nbdcopy --flush /data/plain 'nbd+unix:///vm1?socket=/run/luksdetached/nbd.sock'
client nbdcopy 'nbd+unix:///vm1?socket=/run/luksdetached/nbd.sock' /data/read
same "$tmp/data/plain" "$tmp/data/read"
cp payload.img "$tmp/vm1.payload"
decrypted vm1 512 >"$tmp/decrypted"
same "$tmp/data/plain" "$tmp/decrypted"
cmp header.img "$tmp/vm1.header" || fail "the header was written"

note "stopped"
start=$(date +%s%3N)
docker-compose stop luksdetached
fast_enough "$start"
[ "$(container luksdetached '{{.State.ExitCode}}')" = 0 ] ||
  fail "exit code $(container luksdetached '{{.State.ExitCode}}')"
