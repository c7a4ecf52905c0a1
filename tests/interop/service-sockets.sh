#!/bin/bash
# The service's two sockets: a second service on either is refused and does no harm, those of a
# killed one are taken over, other files in their place are left alone; the status socket is its
# owner's, and who connects to it and never reads does not keep others waiting.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

make_luks2 vm1 256K
make_luks2 vm2 256K
service_config < <(export_table vm1 vm1)
start_service
settled
serves() {
  [ "$(nbdinfo --size "$(uri_of vm1)")" = 262144 ] || fail "vm1 is not served"
  exits 0 "$program" healthcheck "$config" --ready
}
serves

note "the status socket is its owner's"
[ "$(stat -c %a "$status_socket")" = 600 ] || fail "mode $(stat -c %a "$status_socket")"

note "a second service"
exits 1 "$program" serve "$config"
says "another process serves on $socket already"
second=$tmp/second.toml
sed "s#unix:$socket#unix:$tmp/second.sock#" "$config" >"$second"
exits 1 "${serve_under_test[@]}" "$second"
says "cannot bind the status socket $status_socket: Address already in use"
exits 1 "${nbdkit_under_test[@]}" -f -U "$tmp/third.sock" "$plugin" "config=$config"
says "cannot bind the status socket"
serves

note "clients that never read"
/usr/bin/python3 - "$status_socket" <<'END' &
import socket, sys, time
clients = []
for _ in range(100):
    client = socket.socket(socket.AF_UNIX)
    client.connect(sys.argv[1])
    clients.append(client)
print("connected", flush=True)
time.sleep(600)
END

defer stop_quietly $!
sleep 0.5
start=$(date +%s%3N)
serves
[ $(($(date +%s%3N) - start)) -lt 20000 ] || fail "others had to wait"

note "killed"
kill -KILL "$server"
wait "$server" || true
[ -S "$socket" ] && [ -S "$status_socket" ] || fail "kill -9 leaves sockets"
exits 1 "$program" healthcheck "$config"
start_service
settled
serves
ends_within_a_second

note "and after a clean end, too"
start_service
settled
serves
ends_within_a_second

note "other files are left alone"
rm -f "$socket"
printf 'mine' >"$tmp/file"
for path in "$socket" "$status_socket"; do
  cp "$tmp/file" "$path"
  exits 1 "${serve_under_test[@]}" "$config"
  says 'Address already in use'
  same "$tmp/file" "$path"
  rm -f "$socket" "$status_socket"
  mkdir "$path"
  exits 1 "${serve_under_test[@]}" "$config"
  rmdir "$path"
  rm -f "$socket" "$status_socket"
done
sed -i "s#status = .*#status = \"$tmp/none/status.sock\"#" "$config"
exits 2 "${serve_under_test[@]}" "$config"
says "status in \[service\] needs the folder $tmp/none/: No such file"
exits 1 "${nbdkit_under_test[@]}" -f -U "$tmp/third.sock" "$plugin" "config=$config"
says "cannot bind the status socket $tmp/none/status.sock: No such file"
