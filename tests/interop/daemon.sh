#!/bin/bash
# In the background, as services run it: nbdkit forks after the volume was unlocked, and what works
# in the foreground still works, with a payload whose connection needs threads, and relative paths
# although nbdkit goes to the root directory.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 1M --sector-size 512
serve_plain file "$tmp/v.payload"
payload_uri=$uri

in_background() { # PARAMETER…
  "${nbdkit_under_test[@]}" -U "$tmp/d.sock" -P "$tmp/d.pid" "$plugin" "$@"
  # nbdkit's parent exits before the child has written its pid file.
  eventually test -s "$tmp/d.pid"
  daemon=$(cat "$tmp/d.pid")
  defer stop_quietly "$daemon"
  uri="nbd+unix:///?socket=$tmp/d.sock"
}
gone() { ! kill -0 "$daemon" 2>/dev/null; }

cd "$tmp"
printf '%s\n' "$(cat v.secret)" >line
for payload in "$payload_uri" v.payload; do
  for secret in secret=v.secret passphrase=+line passphrase=-; do
    note "$payload $secret"
    in_background header=v.header "payload=$payload" "$secret" <line
    noise 1M >plain
    nbdcopy --flush plain "$uri"
    nbdcopy "$uri" read
    same plain read
    decrypted v 512 >stored
    same plain stored
    kill "$daemon"
    eventually gone
    rm -f d.sock d.pid # nbdkit itself leaves them
  done
done
