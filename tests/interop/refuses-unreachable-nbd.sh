#!/bin/bash
# An NBD server that is not there or is something else is named, without user information and query
# values, and the message is none that another kind of failure has.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 256K
printf hunter2 >"$tmp/hidden"
secrets+=("$tmp/hidden")

both() { # REGEX URI
  refused "$1" "header=$2" "payload=$tmp/v.payload" "secret=$tmp/v.secret"
  refused "$1" "header=$tmp/v.header" "payload=$2" "secret=$tmp/v.secret"
}

note "no socket; a socket that nobody listens to; a refused port"
both 'nbd\+unix:.*no such file' "nbd+unix:///?socket=$tmp/absent.sock"
/usr/bin/python3 -c "import socket; socket.socket(socket.AF_UNIX).bind('$tmp/dead.sock')"
both 'nbd\+unix:.*refused' "nbd+unix:///?socket=$tmp/dead.sock"
port=$(free_port 127.0.0.1)
both "127\.0\.0\.1:$port.*refused" "nbd://alice:hunter2@127.0.0.1:$port/"

note "not an NBD server"
/usr/bin/python3 -c "
import socket
listener = socket.socket(socket.AF_UNIX)
listener.bind('$tmp/other.sock')
listener.listen()
while True:
    connection, _ = listener.accept()
    connection.sendall(b'HTTP/1.1 400 Bad Request\r\n\r\n' + b' ' * 200)
    connection.close()" &
other=$!
defer stop_quietly "$other"
eventually test -S "$tmp/other.sock"
both 'nbd\+unix:.*' "nbd+unix:///?socket=$tmp/other.sock"

note "no such export"
serve_plain -r --filter=exportname file "$tmp/v.header" exportname-strict=true exportname=there
both 'nbd\+unix:.*' "nbd+unix:///absent?socket=$socket"

note "not a URI that libnbd reads"
both 'nbd' 'nbd://[::'
