#!/bin/bash
# -r: a read-only export, no write lock needed, two at once, beside a writer too; nothing is written.
. "$(dirname -- "$0")/lib.sh"

make_luks2 v 1M --sector-size 512
noise 1M >"$tmp/plain"
encrypted v 512 <"$tmp/plain" >"$tmp/v.payload"
parameters v
before=$(fingerprint)

serve -r "${parameters[@]}"
serve -r "${parameters[@]}"
[ "$(nbdinfo --json "$uri" | jq '.exports[0].is_read_only')" = true ] || fail "not read-only"
nbd_shell -u "$uri" -c - <<'END'
import errno, nbd
h.set_strict_mode(0)  # let libnbd send what the server must refuse
for write in (lambda: h.pwrite(b"x" * 512, 0), lambda: h.zero(512, 0), lambda: h.trim(512, 0)):
    try:
        write()
    except nbd.Error as error:
        assert error.errnum == errno.EPERM, error
    else:
        raise SystemExit("written to a read-only export")
END
nbdcopy "$uri" "$tmp/read"
same "$tmp/plain" "$tmp/read"
[ "$before" = "$(fingerprint)" ] || fail "changed by a read-only export"

note "beside a writer, however it is spelt"
serve "${parameters[@]}"
[ "$(nbdinfo --json "$uri" | jq '.exports[0].is_read_only')" = false ] || fail "the writer is read-only"
for spelling in -r --readonly --read-only --readonl -vr; do
  serve "$spelling" "${parameters[@]}"
  nbdcopy "$uri" "$tmp/read"
  same "$tmp/plain" "$tmp/read"
done

note "a payload server that is read-only makes the export so"
serve_plain -r file "$tmp/v.payload"
serve "header=$tmp/v.header" "payload=$uri" "secret=$tmp/v.secret"
[ "$(nbdinfo --json "$uri" | jq '.exports[0].is_read_only')" = true ] || fail "writable on a read-only server"
matches 'warning: payload .*served read-only' "$log"
nbdcopy "$uri" "$tmp/read"
same "$tmp/plain" "$tmp/read"
