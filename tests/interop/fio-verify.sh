#!/bin/bash
# fio, which checks what it reads: jobs at once on connections of their own, reads and writes mixed
# at random, of any size, many in flight, some flushed. Its checksums hold for what lies on the
# storage too, a file or an NBD server's, decrypted by libgcrypt.
. "$(dirname -- "$0")/lib.sh"

fio_jobs() { # OPTION…: the same writes in the same places, wherever they go
  fio --minimal --randseed=4711 --randrepeat=1 --group_reporting --thread --numjobs=3 --size=1200000 \
    --offset_increment=1300007 --iodepth=16 --verify_fatal=1 --aux-path="$tmp" "$@" >"$tmp/fio" 2>&1 ||
    fail "$*: $(cat "$tmp/fio")"
  if grep -Eiq 'verify: |bad (magic|header)' "$tmp/fio"; then fail "$*: $(cat "$tmp/fio")"; fi
}

for size in 512 4096; do
  make_luks2 "s$size" 4M --sector-size "$size"
  payload=$tmp/s$size.payload
  if [ "$size" = 4096 ]; then
    serve_plain file "$payload"
    payload=$uri
  fi
  serve "header=$tmp/s$size.header" "payload=$payload" "secret=$tmp/s$size.secret"
  for job in \
    "--name=mixed --rw=randrw --rwmixread=30 --verify=crc32c --bsrange=512-64k --fsync=20" \
    "--name=unaligned --rw=randwrite --verify=crc32c --bsrange=512-64k --bs_unaligned=1 --verify_backlog=10" \
    "--name=sequential --rw=write --verify=md5 --bs=4k"; do
    note "sectors of $size: $job"
    # shellcheck disable=SC2086  # several options
    fio_jobs $job --ioengine=nbd --uri="$uri"
    decrypted "s$size" "$size" >"$tmp/decrypted"
    # shellcheck disable=SC2086
    fio_jobs $job --ioengine=psync --filename="$tmp/decrypted" --verify_only=1
  done
  stop "$server"
done
