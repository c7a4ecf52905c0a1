# What the tests with a payload's server that goes and comes back share; sourced after lib.sh.
# shellcheck shell=bash disable=SC2154  # variables of lib.sh

# payload_server KIND: how the server of $tmp/v.payload is started from now on, always at one address,
# which $payload_uri names. What it takes after that are further arguments.
#   unix, tcp       nbdkit's file plugin; it offers several connections to one client
#   one-connection  the same without that
#   qemu, qemu-one-connection  qemu-nbd
#   volatile        nbdkit with a cache of its own, which is lost even when it ends in an orderly
#                   way; a write takes it $payload_delay ms longer
payload_server() {
  payload_kind=$1
  payload_delay=0
  payload_socket=$tmp/payload.sock
  payload_uri="nbd+unix:///?socket=$payload_socket"
  payload_port=
  if [ "$1" = tcp ]; then
    payload_port=$(free_port 127.0.0.1)
    payload_uri=$(tcp_uri 127.0.0.1 "$payload_port")
  fi
}

# comes [ARG…]: the payload's server starts. ARG: for nbdkit, instead of `file FILE`.
comes() {
  local served=("$@")
  [ $# != 0 ] || served=(file "$tmp/v.payload")
  rm -f "$payload_socket" "$tmp/payload.pid"
  # Each is the process itself, not a shell's child that would outlive it.
  case $payload_kind in
    unix) exec nbdkit -f -U "$payload_socket" -P "$tmp/payload.pid" "${served[@]}" ;;
    tcp) exec nbdkit -f -i 127.0.0.1 -p "$payload_port" -P "$tmp/payload.pid" "${served[@]}" ;;
    one-connection)
      exec nbdkit -f -U "$payload_socket" -P "$tmp/payload.pid" --filter=multi-conn "${served[@]}" multi-conn-mode=disable
      ;;
    volatile)
      exec nbdkit -f -U "$payload_socket" -P "$tmp/payload.pid" --filter=delay --filter=cache \
        "${served[@]}" cache=writeback "wdelay=${payload_delay}ms"
      ;;
    qemu) qemu_nbd --shared=8 ;;
    qemu-one-connection) qemu_nbd --shared=1 ;;
  esac >>"$tmp/payload-server.log" 2>&1 &
  payload_server=$!
  defer stop_quietly "$payload_server"
  disown # bash need not tell how it ends
  eventually test -s "$tmp/payload.pid"
}
qemu_nbd() {
  exec qemu-nbd --format=raw --discard=unmap --persistent "$@" --socket="$payload_socket" \
    --pid-file="$tmp/payload.pid" "$tmp/v.payload"
}

# vanishes: by kill -9. What it wrote stays: the file is in the page cache.
vanishes() {
  kill -KILL "$payload_server"
  while kill -0 "$payload_server" 2>/dev/null; do sleep 0.01; done
}
