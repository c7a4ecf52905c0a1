# What the tests of commands that copy data share; sourced after lib.sh, service.sh and edit.sh.
# shellcheck shell=bash disable=SC2154  # tmp and others come from lib.sh

# plain_image FILE SIZE: noise at both ends and in the middle, between them a hole and zeros.
plain_image() {
  local size=$2
  rm -f "$1"
  truncate -s "$size" "$1"
  size=$(stat -c %s "$1")
  noise 300K | dd of="$1" conv=notrunc status=none
  noise 200K | dd of="$1" conv=notrunc bs=512 seek=$((size / 1024 + 1)) status=none
  head -c 500K /dev/zero | dd of="$1" conv=notrunc bs=512 seek=$((size / 1024 + 801)) status=none
  noise 100K | dd of="$1" conv=notrunc oflag=seek_bytes seek=$((size - 100 * 1024)) status=none
}

# encrypts NAME SOURCE OPTION…: into $tmp/NAME.header and $tmp/NAME.payload.
encrypts() {
  rm -f "$tmp/$1.key" "$tmp/$1.rawkey" # of an earlier one
  exits 0 "$program" encrypt "$2" --header "$tmp/$1.header" --payload "$tmp/$1.payload" --secret "$tmp/$1.secret" \
    "${cheap_keyslot[@]}" "${@:3}"
}

# decrypts NAME TARGET OPTION…
decrypts() {
  exits 0 "$program" decrypt --header "$tmp/$1.header" --payload "$tmp/$1.payload" --secret "$tmp/$1.secret" "${@:3}" "$2"
}

# nothing_unfinished: no command has left anything.
nothing_unfinished() {
  local left
  left=$(find "$tmp" -name '*.unfinished' -o -name '.*.??????')
  [ -z "$left" ] || fail "left: $left"
}

# serve_stuck FILE: writes of it, after the first, take for ever. Sets $server, $uri. By qemu-nbd: nbdkit's
# delay filter would do, but nbdkit 1.32 may abort when a client dies that waits for several answers.
serve_stuck() {
  servers=$((servers + 1))
  socket=$tmp/server$servers.sock
  uri="nbd+unix:///?socket=$socket"
  qemu-nbd -t -e 8 -k "$socket" --object throttle-group,id=stuck,x-bps-write=1 --image-opts \
    "driver=throttle,throttle-group=stuck,file.driver=file,file.filename=$1" >"$tmp/server$servers.log" 2>&1 </dev/null &
  server=$!
  defer eval "{ kill -KILL $server && wait $server; } 2>/dev/null || true" # else it waits for the writes
  eventually test -S "$socket"
}

# serve_bad FILE: qemu-nbd, whose calls on the file fail as the file $fault (of faults.sh) says. nbdkit's file plugin makes others.
serve_bad() {
  servers=$((servers + 1))
  socket=$tmp/server$servers.sock
  uri="nbd+unix:///?socket=$socket"
  env "LD_PRELOAD=$build/tests/tools/faulty_io.so" "FAULTY_IO_FILE=$1" "FAULTY_IO_RULES=$fault" \
    qemu-nbd -t -e 8 -f raw -k "$socket" "$1" >"$tmp/server$servers.log" 2>&1 </dev/null &
  server=$!
  defer stop_quietly $server
  eventually test -S "$socket"
}
