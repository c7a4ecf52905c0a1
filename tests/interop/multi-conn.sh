#!/bin/bash
# Several connections are offered where a flush on one covers writes on all: a file, and an NBD
# server that says so. With one that does not, either the offer or the second connection is missing.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 1M --sector-size 512
can_multi_conn() { nbdinfo --json "$uri" | jq '.exports[0].can_multi_conn'; }
multi_conn() { # PAYLOAD
  serve "header=$tmp/v.header" "payload=$1" "secret=$tmp/v.secret"
  note "$1: $(can_multi_conn)"
}

multi_conn "$tmp/v.payload"
[ "$(can_multi_conn)" = true ] || fail "not offered for a file"

serve_plain file "$tmp/v.payload"
multi_conn "$uri"
[ "$(can_multi_conn)" = true ] || fail "not offered for a server that offers it"

# nbdcopy opens four connections to an export that offers it.
serve_plain --filter=log --filter=multi-conn file "$tmp/v.payload" multi-conn-mode=disable \
  logfile="$tmp/requests"
multi_conn "$uri"
if [ "$(can_multi_conn)" = true ]; then
  noise 1M >"$tmp/plain"
  nbdcopy --request-size=4096 --flush "$tmp/plain" "$uri"
  used=$(sed -n 's/.* connection=\([0-9]*\) Write .*/\1/p' "$tmp/requests" | sort -u | wc -l)
  [ "$used" = 1 ] || fail "offered, though writes went over $used connections to a server that does not offer it"
fi
