#!/bin/bash
# One payload has one writer among the exports of a service, whatever names it goes by: those of a file,
# whoever opens it, and those of a server's socket, also after that server was started again.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

make_luks2 file 1M
make_luks2 remote 1M
ln -s "$tmp/file.payload" "$tmp/symbolic"
ln "$tmp/file.payload" "$tmp/hard"
ln -s "$tmp/storage.sock" "$tmp/alias.sock"

start_storage() { # SOCKET
  rm -f "$tmp/storage.pid"
  nbdkit -f -U "$1" -P "$tmp/storage.pid" file "$tmp/remote.payload" >>"$tmp/storage.log" 2>&1 &
  storage=$!
  defer stop_quietly "$storage"
  eventually test -s "$tmp/storage.pid"
}
start_storage "$tmp/storage.sock"

table() { export_table "$1" "$2" "payload = \"$3\"" 'lock = false' 'reconnect-timeout = 30'; }
{
  table plain file "$tmp/file.payload"
  table symbolic file "$tmp/symbolic"
  table by-qemu file "qemu:raw:$tmp/hard"
  table by-nbdkit file "nbdkit:file?file=$tmp/file.payload"
  table server remote "nbd+unix:///?socket=$tmp/storage.sock"
  table alias remote "nbd+unix:///?socket=$tmp/alias.sock"
} | service_config
start_service
settled

one_writer() {
  [ "$(state plain)" = open ] || fail "plain: $(reason plain)"
  for name in symbolic by-qemu by-nbdkit; do
    [[ $(reason $name) == *"export plain writes it already"* ]] || fail "$name: $(state $name) $(reason $name)"
  done
  [ "$(state server)" = open ] || fail "server: $(reason server)"
  [[ $(reason alias) == *"export server writes it already"* ]] || fail "alias: $(state alias) $(reason alias)"
}
one_writer

note "the server is started again, with another socket"
before=$(stat -c %i "$tmp/storage.sock")
first=$storage
start_storage "$tmp/new.sock"
mv "$tmp/new.sock" "$tmp/storage.sock"
[ "$(stat -c %i "$tmp/storage.sock")" != "$before" ] || fail "the same inode"
kill -KILL "$first" # by itself it would wait for its clients to leave
wait "$first" || true
nbd_shell -u "$(uri_of server)" -c 'h.pwrite(b"x" * 4096, 0)'
sleep 8 # in which what failed is tried again
one_writer
ends_within_a_second
