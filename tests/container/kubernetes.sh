#!/bin/bash
# docker/kubernetes.yaml: podman runs its Deployment with the Secret, the ConfigMap and the claim, and a
# client with the pre-shared key reads and writes; the rest is looked at by kubernetes.py. Started by
# image.sh, for its image.
. "$(dirname -- "$0")/../interop/lib.sh"
. "$here/servers.sh"
. "$here/../container/lib.sh"

make_luks2 vm1 4M --sector-size 512 --pbkdf argon2id "${cheap_argon2[@]}"

note "the header's server, which is not in the cluster"
psktool -u luksdetached -p "$tmp/headers.psk" >/dev/null
psktool -u client -p "$tmp/clients.psk" >/dev/null
port=$(free_port 0.0.0.0)
start nbdkit -i 0.0.0.0 -p "$port" --tls=require --tls-psk="$tmp/headers.psk" --readonly file "$tmp/vm1.header"
podman network create cluster >/dev/null
gateway=$(podman network inspect -f '{{(index .Subnets 0).Gateway}}' cluster)

/usr/bin/python3 "$here/../container/kubernetes.py" "$root/docker/kubernetes.yaml" "vault.example.com:10809=$gateway:$port" \
  "vm1=$tmp/vm1.secret" "headers.psk=$tmp/headers.psk" "clients.psk=$tmp/clients.psk" >"$tmp/kubernetes.yaml"

note "podman play kube"
podman play kube --network cluster --start=false "$tmp/kubernetes.yaml" >"$tmp/play.log" 2>&1 ||
  fail "podman play kube: $(cat "$tmp/play.log")"
pod=luksdetached-pod-0
container=$pod-luksdetached
folder_of() { podman volume inspect -f '{{.Mountpoint}}' "luksdetached-$1"; }
payload=$(folder_of payloads)/vm1.img
install -m 0600 -o 10809 -g 10809 "$tmp/vm1.payload" "$payload"
# podman 4.3 leaves secrets in base64.
for key in vm1 headers.psk clients.psk; do
  case $key in vm1) file=$tmp/vm1.secret ;; *) file=$tmp/$key ;; esac
  [ "$(base64 -d "$(folder_of secrets)/$key" 2>/dev/null | sha256sum)" = "$(sha256sum <"$file")" ] || continue
  install -m 0440 -g 10809 "$file" "$(folder_of secrets)/$key"
done
podman pod start "$pod" >/dev/null
hardened "$(podman inspect -f '{{.State.Pid}}' "$container")"

note "the probes"
probe() {
  local command
  mapfile -t command < <(/usr/bin/python3 "$here/../container/kubernetes.py" "$root/docker/kubernetes.yaml" "$1")
  podman exec "$container" "${command[@]}"
}
eventually probe livenessProbe
eventually probe readinessProbe
podman exec "$container" luksdetached status /etc/luksdetached/config.toml

note "a client"
address=$(podman inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$(podman pod inspect -f '{{.InfraContainerID}}' "$pod")")
uri="nbds://client@$address/vm1?tls-psk-file=$tmp/clients.psk"
noise 4M >"$tmp/plain"
nbdcopy --flush "$tmp/plain" "$uri"
nbdcopy "$uri" "$tmp/read"
same "$tmp/plain" "$tmp/read"
cp "$payload" "$tmp/vm1.payload"
decrypted vm1 512 >"$tmp/decrypted"
same "$tmp/plain" "$tmp/decrypted"

note "none without the key"
expect_failure nbdinfo "nbd://$address/vm1"
expect_failure nbdinfo "nbds://luksdetached@$address/vm1?tls-psk-file=$tmp/headers.psk"

note "stopped"
start=$(date +%s%3N)
podman pod stop --time 10 "$pod" >/dev/null
fast_enough "$start"
[ "$(podman inspect -f '{{.State.ExitCode}}' "$container")" = 0 ] ||
  fail "exit code $(podman inspect -f '{{.State.ExitCode}}' "$container")"
