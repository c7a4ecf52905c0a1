#!/bin/bash
# qemu-img on the export: info, map, compare, convert in and out, one request after the other and
# sixteen at once in any order.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 3146240 --sector-size 512 # not a multiple of 4096
noise 3146240 >"$tmp/plain"
encrypted v 512 <"$tmp/plain" >"$tmp/v.payload"
parameters v
serve "${parameters[@]}"

qemu-img info --output=json "$uri" >"$tmp/info"
jq -e '."virtual-size" == 3146240 and .format == "raw"' "$tmp/info" >/dev/null || fail "info: $(cat "$tmp/info")"
qemu-img map -f raw --output=json "$uri" >"$tmp/map"
jq -e '(map(.length) | add) == 3146240 and all(.data and (.zero | not))' "$tmp/map" >/dev/null ||
  fail "map: $(cat "$tmp/map")"
[ "$(qemu-img measure -f raw -O raw --output=json "$uri" | jq .required)" = 3146240 ] || fail "measure"

compare() { # STATUS OPTION… FILE
  local wanted=$1 status=0
  shift
  qemu-img compare "${@:1:$#-1}" "${!#}" "$uri" || status=$?
  [ "$status" = "$wanted" ] || fail "compare $*: status $status instead of $wanted"
}
note "strictly: that all is data counts too"
compare 0 -s -f raw -F raw "$tmp/plain"

for options in '' '-m 16' '-m 16 -W'; do
  note "convert $options"
  # shellcheck disable=SC2086  # several options or none
  {
    if [ "${options##* }" != -W ]; then # a target that grows cannot be written in any order
      qemu-img convert $options -f raw -O qcow2 "$uri" "$tmp/copy.qcow2"
      compare 0 -f qcow2 -F raw "$tmp/copy.qcow2"
    fi
    qemu-img convert $options -f raw -O raw "$uri" "$tmp/copy"
    same "$tmp/plain" "$tmp/copy"
    compare 0 -f raw -F raw "$tmp/copy"

    noise 3146240 >"$tmp/plain"
    truncate -s 2M "$tmp/plain" # with a hole: zeroes are another request
    truncate -s 3146240 "$tmp/plain"
    compare 1 -f raw -F raw "$tmp/plain"
    qemu-img convert -n $options -f raw -O raw "$tmp/plain" "$uri"
  }
  compare 0 -f raw -F raw "$tmp/plain"
  decrypted v 512 >"$tmp/decrypted"
  same "$tmp/plain" "$tmp/decrypted"
done

note "one byte makes a difference, and so does the size"
cp "$tmp/plain" "$tmp/other"
printf '\x5a' | dd of="$tmp/other" bs=1 seek=1234567 conv=notrunc status=none
compare 1 -f raw -F raw "$tmp/other"
truncate -s 3145728 "$tmp/plain"
compare 1 -s -f raw -F raw "$tmp/plain"
