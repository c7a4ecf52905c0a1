#!/bin/bash
# A payload's server at a relative socket, with nbdkit in the background, whose directory is another one
# by then: it is found again, and its key, when it comes back.
. "$(dirname -- "$0")/lib.sh"
. "$here/reconnect.sh"

make_luks2 v 1M --sector-size 512
psktool -u alice -p "$tmp/alice.psk" >/dev/null
cd "$tmp"

in_background() { # PAYLOAD
  "${nbdkit_under_test[@]}" -U "$tmp/d.sock" -P "$tmp/d.pid" "$plugin" \
    header=v.header "payload=$1" secret=v.secret reconnect-timeout=15
  # nbdkit's parent exits before the child has written its pid file.
  eventually test -s d.pid
  daemon=$(cat d.pid)
  defer stop_quietly "$daemon"
}
gone() { ! kill -0 "$daemon" 2>/dev/null; }

payload_server unix
for tls in off require; do
  note "TLS $tls"
  relative="nbd+unix:///?socket=payload.sock"
  server_tls=()
  if [ $tls = require ]; then
    relative="nbds+unix://alice@/?socket=./payload.sock&tls-psk-file=alice.psk"
    server_tls=(--tls=require --tls-psk="$tmp/alice.psk")
  fi
  comes "${server_tls[@]}" file "$tmp/v.payload"
  in_background "$relative"
  noise 1M >plain
  nbdcopy --flush plain "nbd+unix:///?socket=$tmp/d.sock"
  for _ in 1 2; do
    vanishes
    comes "${server_tls[@]}" file "$tmp/v.payload"
    nbdcopy "nbd+unix:///?socket=$tmp/d.sock" read
    same plain read
  done
  kill "$daemon"
  eventually gone
  rm -f d.sock d.pid # nbdkit itself leaves them
  vanishes
done
