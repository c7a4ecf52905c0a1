#!/bin/bash
# compose.sh IMAGE: docker/compose.yaml is what docker-compose takes, and what it starts serves. IMAGE is
# the one that container.sh built with podman. Docker is one of our own, in a folder of ours, that
# leaves this machine's network alone.
. "$(dirname -- "$0")/../interop/lib.sh"
. "$here/../container/lib.sh"

image=${1:?the image}
install -d -m 0750 -o 10809 -g 10809 "$tmp/run"
make_luks2 vm1 4M --sector-size 512 --pbkdf argon2id "${cheap_argon2[@]}"
chmod 755 "$tmp"
chmod 444 "$tmp/vm1.secret" # a secret file is mounted as it is
export RUN_DIR=$tmp/run SECRET_FILE=$tmp/vm1.secret
export DOCKER_HOST=unix://$tmp/docker.sock
project=luksdetachedtest$$
compose() { docker-compose -p "$project" -f "$root/docker/compose.yaml" "$@"; }

note "docker-compose takes the file"
compose config >"$tmp/config.yaml"
matches 'read_only: true' "$tmp/config.yaml"

note "Docker"
stop_docker() {
  local mount
  stop_quietly "$docker"
  awk -v "d=$tmp/docker/" 'index($2, d) == 1 {print $2}' /proc/mounts | sort -r |
    while read -r mount; do umount "$mount"; done
}
dockerd --data-root "$tmp/docker/data" --exec-root "$tmp/docker/exec" --pidfile "$tmp/docker.pid" \
  -H "$DOCKER_HOST" --default-ulimit "nofile=1024:$(ulimit -Hn)" --iptables=false --bridge=none \
  >"$tmp/dockerd.log" 2>&1 &
docker=$!
defer stop_docker
eventually docker version
podman save "$image" 2>/dev/null | docker load >/dev/null
docker tag "$image" luksdetached

note "docker-compose up"
defer compose down --volumes --timeout 5
compose up --no-start --no-build
volume() { docker volume inspect -f '{{.Mountpoint}}' "${project}_$1"; }
install -m 0444 "$tmp/vm1.header" "$(volume headers)/vm1.img"
install -m 0600 -o 10809 -g 10809 "$tmp/vm1.payload" "$(volume payloads)/vm1.img"
compose start
container=$(compose ps -q luksdetached)
healthy() { [ "$(docker inspect -f '{{.State.Health.Status}}' "$container")" = healthy ]; }
for _ in 1 2; do healthy || eventually healthy; done # its first check comes after 10 seconds
docker exec "$container" grep -E '^(Uid|CapEff|NoNewPrivs):' /proc/1/status
docker exec "$container" luksdetached healthcheck /etc/luksdetached/config.toml --ready vm1

uri="nbd+unix:///vm1?socket=$tmp/run/nbd.sock"
noise 4M >"$tmp/plain"
nbdcopy --flush "$tmp/plain" "$uri"
nbdcopy "$uri" "$tmp/read"
same "$tmp/plain" "$tmp/read"
cp "$(volume payloads)/vm1.img" "$tmp/vm1.payload"
decrypted vm1 512 >"$tmp/decrypted"
same "$tmp/plain" "$tmp/decrypted"

note "docker-compose stop"
start=$(date +%s%3N)
compose stop
note "$(($(date +%s%3N) - start)) ms"
[ "$(docker inspect -f '{{.State.ExitCode}}' "$container")" = 0 ] ||
  fail "exit code $(docker inspect -f '{{.State.ExitCode}}' "$container")"
