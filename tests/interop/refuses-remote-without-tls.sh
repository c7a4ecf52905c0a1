#!/bin/bash
# nbdkit without -U listens on every address. A peer that comes over TCP without TLS is refused, in
# open and in the list of exports, unless it is on this machine (then the log warns) or the user
# says insecure=true.
. "$(dirname -- "$0")/lib.sh"
. "$here/tls.sh"

# A network of its own, with an address that is not loopback's: connecting to it comes from it.
remote=198.51.100.7
if [ "${1:-}" != inside ]; then
  unshare --net true 2>/dev/null || skip "no network namespaces here"
  status=0
  unshare --net -- "$0" inside || status=$?
  exit "$status"
fi
ip link set lo up
ip address add "$remote/32" dev lo
ip -6 address add 2001:db8::7/128 dev lo nodad 2>/dev/null || remote6=
remote6=${remote6-2001:db8::7}

make_luks2 v 1M --sector-size 512
noise 1M >"$tmp/plain"
encrypted v 512 <"$tmp/plain" >"$tmp/v.payload"
parameters v

reads() { # URI
  nbdcopy "$1" "$tmp/read"
  same "$tmp/plain" "$tmp/read"
}
is_refused() { # ADDRESS of a server at $uri
  expect_failure nbdcopy "$uri" "$tmp/read"
  expect_failure nbdinfo --size "$uri"
  expect_failure nbdinfo --list "$uri"
  # libnbd's own view of the two: the list is refused, not empty.
  nbd_shell -c "address, port = '$1', '$port'" -c - <<'END'
import nbd
h.set_opt_mode(True)
h.connect_tcp(address, port)
names = []
try:
    h.opt_list(lambda name, description: names.append(name))
except nbd.Error:
    pass
else:
    raise SystemExit(f"the exports were listed: {names}")
assert names == [], names
try:
    h.opt_go()
except nbd.Error:
    pass
else:
    raise SystemExit("the export was opened")
END
  kill -0 "$server" || fail "the server ended"
  matches '(error|refusal).*TLS' "$log"
}

for address in "$remote" $remote6; do
  note "$address is refused"
  serve_tcp "$address" "${parameters[@]}"
  is_refused "$address"
  stop "$server"
done

note "listening everywhere: the same server refuses one and serves the other"
servers=$((servers + 1))
port=$(free_port "$remote")
start "${nbdkit_under_test[@]}" -p "$port" "$plugin" "${parameters[@]}"
uri=nbd://$remote:$port/
is_refused "$remote"
for loopback in 127.0.0.1 ${remote6:+"[::1]"}; do reads "nbd://$loopback:$port/"; done
matches 'warning.*(loopback|local)' "$log"
stop "$server"

note "insecure=true"
serve_tcp "$remote" "${parameters[@]}" insecure=true
reads "$uri"
stop "$server"

note "with TLS"
authority ca
certificate ca server server "ip_address = $remote"
serve_tcp "$remote" --tls=require --tls-certificates="$tmp/server" "${parameters[@]}"
reads "nbds://$remote:$port/?tls-certificates=$tmp/ca"
stop "$server"

note "TLS offered but not used"
serve_tcp "$remote" --tls=on --tls-certificates="$tmp/server" "${parameters[@]}"
is_refused "$remote"
reads "nbds://$remote:$port/?tls-certificates=$tmp/ca"
stop "$server"

note "a service, and its own insecure"
. "$here/service.sh"
for insecure in false true; do
  service_config "insecure = $insecure" < <(export_table v v)
  sed -i '/^status/d' "$config"
  serve_tcp "$remote" "config=$config"
  uri=${uri}v
  if [ $insecure = true ]; then
    eventually nbdinfo --size "$uri"
    nbdcopy "$uri" "$tmp/read"
    same "$tmp/plain" "$tmp/read"
  else
    eventually grep -q 'export v is open' "$log"
    is_refused "$remote"
  fi
  stop "$server"
done
