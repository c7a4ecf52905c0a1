#!/bin/bash
# A service listens on several addresses at once and serves the same exports on each. A socket that it
# cannot have is said, and what it had bound until then is gone; in the end all its sockets are.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

make_luks2 vm1 256K
noise 256K >"$tmp/plain"
port=$(free_port 127.0.0.1)
second=$tmp/second.sock

# listening LISTENER…: a config with these.
listening() {
  local all
  all=$(printf '%s, ' "$@")
  service_config < <(export_table vm1 vm1)
  sed -i "s#^listen = .*#listen = [$all]#" "$config"
}
mine=("\"unix:$socket\"" "\"tcp:localhost:$port\"" "{address = \"unix:$second\", mode = 0o600}")
listening "${mine[@]}"

note "all at once"
start_service
settled
nbdcopy --flush "$tmp/plain" "$(uri_of vm1)"
for uri in "nbd+unix:///vm1?socket=$second" "nbd://localhost:$port/vm1"; do
  nbdcopy "$uri" "$tmp/read"
  same "$tmp/plain" "$tmp/read"
done
"$program" status --json "$config" | jq -e '.exports[0].state == "open"' >"$tmp/null"

note "taken by others"
# refused_listeners STATUS REGEX LISTENER…: says so, and leaves no socket behind that it made.
other=$tmp/other.sock
refused_listeners() {
  local status=$1 pattern=$2
  shift 2
  mv "$config" "$tmp/first.toml"
  listening "\"unix:$other\"" "$@"
  sed -i "s#^status = .*##" "$config"
  exits "$status" "${serve_under_test[@]}" "$config"
  says "$pattern"
  [ ! -e "$other" ] || fail "left $other"
  mv "$tmp/first.toml" "$config"
}
refused_listeners 1 "luksdetached: another process serves on $second already" "\"unix:$second\""
refused_listeners 1 "luksdetached: cannot listen on tcp:127.0.0.1:$port: Address already in use" \
  "\"tcp:127.0.0.1:$port\""
refused_listeners 1 'luksdetached: cannot listen on tcp:127.0.0.1.:1: ' '"tcp:127.0.0.1.:1"'
refused_listeners 2 'a TCP listener beyond loopback needs' '"tcp:192.0.2.1:1"'
note "they serve on"
nbdcopy "$(uri_of vm1)" "$tmp/read"
same "$tmp/plain" "$tmp/read"

note "all sockets vanish"
ends_within_a_second
for path in "$socket" "$second"; do [ ! -e "$path" ] || fail "$path is still there"; done

note "also when nbdkit gives up"
listening "${mine[@]}"
mkdir "$status_socket"
exits 1 "${serve_under_test[@]}" "$config"
says "cannot bind the status socket $status_socket"
for path in "$socket" "$second"; do [ ! -e "$path" ] || fail "$path was left behind"; done
rmdir "$status_socket"

note "but not what another process put in their place"
start_service
settled
rm "$second"
/usr/bin/python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$second"
ends_within_a_second
[ ! -e "$socket" ] || fail "$socket is still there"
[ -S "$second" ] || fail "removed the socket of another"

note "more than nbdkit takes"
many=()
for n in $(seq 17); do many+=("\"unix:$tmp/$n.sock\""); done
listening "${many[@]}"
exits 1 "${serve_under_test[@]}" "$config"
says 'the service would listen on 17 sockets, and nbdkit takes 16 at most'
[ -z "$(compgen -G "$tmp/*.sock" | grep -v "^$second$")" ] || fail "left sockets: $(ls "$tmp")"
