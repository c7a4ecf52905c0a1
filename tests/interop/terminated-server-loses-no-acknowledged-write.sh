#!/bin/bash
# nbdkit told to end by SIGTERM in the middle of many requests ends cleanly, and every write that was
# acknowledged is in the payload.
. "$(dirname -- "$0")/lib.sh"
. "$here/faults.sh"

make_luks2 v 4M --sector-size 512
note "a file"
interrupt v 512 file --signal TERM --rounds "$(rounds 30 15)"
note "an NBD server"
interrupt v 512 "$(printf '%q ' nbdkit file "$tmp/v.payload")" --signal TERM --rounds "$(rounds 30 15)"
