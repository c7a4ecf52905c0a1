#!/bin/bash
# nbdkit killed in the middle of many requests, a hundred times: every write that was acknowledged
# is in the payload, those that were not are there or not, and nothing else changed.
. "$(dirname -- "$0")/lib.sh"
. "$here/faults.sh"

make_luks2 v 4M --sector-size 512
note "a file"
interrupt v 512 file --rounds "$(rounds 100 40)"
note "an NBD server"
interrupt v 512 "$(printf '%q ' nbdkit file "$tmp/v.payload")" --rounds "$(rounds 50 20)"
