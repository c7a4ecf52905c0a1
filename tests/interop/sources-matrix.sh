#!/bin/bash
# Header and payload from any two kinds of source: what a client writes is there after a restart, and
# is what libgcrypt decrypts. Each source is in some of the pairs; `sources-matrix.sh all` tries all pairs.
. "$(dirname -- "$0")/lib.sh"
. "$here/tls.sh"
. "$here/servers.sh"

make_luks2 v 256K --sector-size 512
volume_key v
mkdir "$tmp/web"
web_server
ssh_server
authority nbd
certificate nbd nbd-server server 'dns_name = localhost'
certificate nbd nbd-client client
tls="tls-certificates=$tmp/nbd-client"
nbd_tls=(--tls=require --tls-certificates="$tmp/nbd-server" --tls-verify-peer)

if trust_web_server; then https_works=yes; else https_works=; fi
[ -n "$https_works" ] || note "without https: no user namespaces here"

# --- Headers ---------------------------------------------------------------------------------------

cp "$tmp/v.header" "$tmp/web/the header"
qemu-img convert -f raw -O qcow2 "$tmp/v.header" "$tmp/header.qcow2"
declare -A header=(
  [path]=$tmp/v.header
  [file]=file:$tmp/v.header
  [http]=$http/the%20header
  [ssh]="ssh://$ssh$tmp/v.header?$ssh_keys"
  [sftp]="sftp://$ssh$tmp/web/the%20header?$ssh_keys"
  [nbdkit:file]=nbdkit:file?file=$tmp/web/the%20header
  [nbdkit:curl]="nbdkit:curl?url=${https/:\/\//%3A%2F%2F}%2Fthe%2520header&cainfo=$tmp/ca/ca-cert.pem"
  [qemu:raw]=qemu:raw:$tmp/v.header
  [qemu:qcow2]=qemu:qcow2:$tmp/header.qcow2
)
if [ -n "$https_works" ]; then header[https]=$https/the%20header; fi
serve_plain_tcp 127.0.0.1 -r file "$tmp/v.header"
header[nbd]=$uri
serve_plain_tcp 127.0.0.1 "${nbd_tls[@]}" -r file "$tmp/v.header"
header[nbds]="nbds://localhost:$port/?$tls"
serve_plain -r file "$tmp/v.header"
header[nbd+unix]=$uri
if serve_vsock -r file "$tmp/v.header"; then header[nbd+vsock]=$uri; else note "without vsock: no loopback here"; fi

# --- Payloads: each has a file of its own, for servers may lock it -------------------------------------

payload_file() { printf '%s/payload of %s' "$tmp" "${1//:/ }"; }
payload_uri() { payload_file "$1" | sed 's/ /%20/g'; }
payloads=(path file ssh sftp nbdkit:file qemu:raw qemu:qcow2 nbd nbds nbd+unix qemu-nbd http nbdkit:curl)
[ -z "${header[nbd+vsock]:-}" ] || payloads+=(nbd+vsock)
[ -z "${header[https]:-}" ] || payloads+=(https)
for kind in "${payloads[@]}"; do cp "$tmp/v.payload" "$(payload_file "$kind")"; done
noise 256K >"$tmp/web.plain"
encrypted v 512 <"$tmp/web.plain" >"$tmp/web/payload"
qemu-img convert -f raw -O qcow2 "$tmp/v.payload" "$(payload_file qemu:qcow2)"
declare -A payload=(
  [path]=$(payload_file path)
  [file]=file://$(payload_uri file)
  [ssh]="ssh://$ssh$(payload_uri ssh)?$ssh_keys"
  [sftp]="sftp://$ssh$(payload_uri sftp)?$ssh_keys"
  [nbdkit:file]=nbdkit:file?file=$(payload_uri nbdkit:file)
  [qemu:raw]=qemu:raw:$(payload_file qemu:raw)
  [qemu:qcow2]=qemu:qcow2:$(payload_file qemu:qcow2)
  [http]=$http/payload
  [https]=$https/payload
  [nbdkit:curl]="nbdkit:curl?url=${https/:\/\//%3A%2F%2F}%2Fpayload&cainfo=$tmp/ca/ca-cert.pem"
)
serve_plain_tcp 127.0.0.1 file "$(payload_file nbd)"
payload[nbd]=$uri
serve_plain_tcp 127.0.0.1 "${nbd_tls[@]}" file "$(payload_file nbds)"
payload[nbds]="nbds://localhost:$port/?$tls"
serve_plain file "$(payload_file nbd+unix)"
payload[nbd+unix]=$uri
serve_qemu_nbd raw "$(payload_file qemu-nbd)"
payload[qemu-nbd]=$uri
if [[ " ${payloads[*]} " = *' nbd+vsock '* ]]; then
  serve_vsock file "$(payload_file nbd+vsock)"
  payload[nbd+vsock]=$uri
fi

# --- Pairs -----------------------------------------------------------------------------------------

stored() { # PAYLOAD: the encrypted sectors, without the code under test
  if [ "$1" = qemu:qcow2 ]; then
    qemu-img convert -f qcow2 -O raw "$(payload_file "$1")" "$tmp/raw"
    cat "$tmp/raw"
  else
    cat "$(payload_file "$1")"
  fi
}

served() { serve "header=${header[$1]}" "payload=${payload[$2]}" "secret=$tmp/v.secret"; }

is_read_only() { [ "$(nbdinfo --json "$uri" | jq '.exports[0].is_read_only')" = "$1" ]; }

reads() { # FILE
  nbdcopy "$uri" "$tmp/read"
  same "$1" "$tmp/read"
}

writes_and_reads() { # HEADER PAYLOAD
  noise 256K >"$tmp/plain"
  served "$1" "$2"
  is_read_only false || fail "read-only"
  nbdcopy --flush "$tmp/plain" "$uri"
  stop "$server"

  stored "$2" | "$build/tests/tools/sector_xts" decrypt "$tmp/v.key" 512 >"$tmp/decrypted"
  same "$tmp/plain" "$tmp/decrypted"

  served "$1" "$2"
  reads "$tmp/plain"
  stop "$server"
}

only_reads() { # HEADER PAYLOAD
  served "$1" "$2"
  is_read_only true || fail "writable"
  reads "$tmp/web.plain"
  stop "$server"
}

works() { # HEADER PAYLOAD
  note "header $1, payload $2"
  case $2 in
    http | https | nbdkit:curl) only_reads "$1" "$2" ;;
    *) writes_and_reads "$1" "$2" ;;
  esac
}

before=$(sha256sum "$tmp/v.header" "$tmp/web/"* "$tmp/header.qcow2")
mapfile -t headers < <(printf '%s\n' "${!header[@]}" | sort)
if [ "${1:-}" = all ]; then
  for from in "${headers[@]}"; do
    for to in "${payloads[@]}"; do works "$from" "$to"; done
  done
else
  rounds=$((${#headers[@]} > ${#payloads[@]} ? ${#headers[@]} : ${#payloads[@]}))
  for i in $(seq 0 $((rounds - 1))); do
    works "${headers[i % ${#headers[@]}]}" "${payloads[i % ${#payloads[@]}]}"
  done
fi
[ "$before" = "$(sha256sum "$tmp/v.header" "$tmp/web/"* "$tmp/header.qcow2")" ] || fail "a header was written"
