#!/bin/bash
# A secret may come through a FIFO, so that it is on no disk.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 256K --sector-size 512
mkfifo "$tmp/fifo"
{ head -c 5 "$tmp/v.secret"; sleep 0.2; tail -c +6 "$tmp/v.secret"; } >"$tmp/fifo" & # in two parts
serve "header=$tmp/v.header" "payload=$tmp/v.payload" "secret=$tmp/fifo"
nbdinfo --size "$uri"
