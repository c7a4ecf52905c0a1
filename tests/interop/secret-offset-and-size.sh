#!/bin/bash
# secret-offset= and secret-size= pick the same bytes as cryptsetup's --keyfile-offset and
# --keyfile-size.
. "$(dirname -- "$0")/lib.sh"

noise 4096 >"$tmp/v.secret"
make_luks2 v 256K --sector-size 512 --keyfile-offset 1000 --keyfile-size 64
noise 256K >"$tmp/plain"
cryptsetup luksDump --batch-mode --dump-volume-key --key-file "$tmp/v.secret" --keyfile-offset 1000 \
  --keyfile-size 64 --volume-key-file "$tmp/rawkey" "$tmp/v.header" >/dev/null
od -An -v -tx1 "$tmp/rawkey" | tr -d ' \n' >"$tmp/v.key"
encrypted v 512 <"$tmp/plain" >"$tmp/v.payload"
parameters v

serve "${parameters[@]}" secret-offset=1000 secret-size=64
nbdcopy "$uri" "$tmp/read"
stop "$server"
same "$tmp/plain" "$tmp/read"

refused 'secret|key ?slot' "${parameters[@]}"
refused 'secret|key ?slot' "${parameters[@]}" secret-offset=1001 secret-size=64
refused 'secret|key ?slot' "${parameters[@]}" secret-offset=1000
refused 'secret' "${parameters[@]}" secret-offset=5000             # behind its end
refused 'secret' "${parameters[@]}" secret-offset=4090 secret-size=64 # not that many bytes
refused 'secret-offset' "${parameters[@]}" secret-offset=many
refused 'secret-size' "${parameters[@]}" secret-size=-1
