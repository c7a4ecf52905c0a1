#!/bin/bash
# A payload that cannot be written is exported read-only where its source says so, and refused, with
# the way out, where it only shows when it is opened for writing. A header needs no right to write.
. "$(dirname -- "$0")/lib.sh"
. "$here/tls.sh"
. "$here/servers.sh"

make_luks2 v 256K --sector-size 512
noise 256K >"$tmp/plain"
encrypted v 512 <"$tmp/plain" >"$tmp/v.payload"
before=$(sha256sum "$tmp/v.payload")

only_reads() { # ARG…
  serve "$@" "secret=$tmp/v.secret"
  [ "$(nbdinfo --json "$uri" | jq '.exports[0].is_read_only')" = true ] || fail "writable: $*"
  if nbd_shell -u "$uri" -c 'h.set_strict_mode(0)' -c 'h.pwrite(b"x" * 512, 0)' 2>/dev/null; then
    fail "was written: $*"
  fi
  nbdcopy "$uri" "$tmp/read"
  stop "$server"
  same "$tmp/plain" "$tmp/read"
}

note "nbd"
serve_plain -r file "$tmp/v.payload"
only_reads "header=$tmp/v.header" "payload=$uri"
note "http"
mkdir "$tmp/web"
cp "$tmp/v.payload" "$tmp/web/payload"
web_server
only_reads "header=$tmp/v.header" "payload=$http/payload"
note "any plugin"
printf '%s\n' "case \"\$1\" in
  get_size) echo 262144 ;;
  pread) dd iflag=skip_bytes,count_bytes skip=\"\$4\" count=\"\$3\" if='$tmp/v.payload' status=none ;;
  *) exit 2 ;;
esac" >"$tmp/reader.sh"
chmod +x "$tmp/reader.sh"
only_reads "header=$tmp/v.header" "payload=nbdkit:sh?script=$tmp/reader.sh"

note "ssh"
ssh_server 'ForceCommand internal-sftp -R'
refused_with "ssh://.*(permission denied|read-only|for writing)" "header=$tmp/v.header" "payload=ssh://$ssh$tmp/v.payload?$ssh_keys"
only_reads -r "header=$tmp/v.header" "payload=ssh://$ssh$tmp/v.payload?$ssh_keys"

note "-r: of a payload that could be written, by each kind of child"
only_reads -r "header=ssh://$ssh$tmp/v.header?$ssh_keys" "payload=qemu:raw:$tmp/v.payload"
only_reads -r "header=qemu:raw:$tmp/v.header" "payload=nbdkit:file?file=$tmp/v.payload"

[ "$before" = "$(sha256sum "$tmp/v.payload")" ] || fail "the payload was written"
