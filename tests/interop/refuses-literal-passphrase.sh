#!/bin/bash
# A passphrase on the command line is public: it is refused even if it is right, and not repeated.
. "$(dirname -- "$0")/lib.sh"

printf 'correct horse battery' >"$tmp/v.secret"
make_luks2 v 256K --sector-size 512
refused 'passphrase.*(command line|\+)' "header=$tmp/v.header" "payload=$tmp/v.payload" \
  "passphrase=correct horse battery"
