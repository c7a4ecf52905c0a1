#!/bin/bash
# Once the volume is open its secret is nowhere in the server's memory, and the volume key only in
# memory that is locked.
. "$(dirname -- "$0")/lib.sh"

# The sanitizers' runtimes turn mlock into nothing and keep freed memory.
[ -z "${LUKSDETACHED_PRELOAD:-}" ] || skip "a sanitizer build keeps freed memory"
make_luks2 v 256K --pbkdf argon2id "${cheap_argon2[@]}" --key-size 256
volume_key v
printf '%s\n' "$(cat "$tmp/v.secret")" >"$tmp/line"

# The search itself: it must find what is there.
find_in_memory() { # PROCESS
  /usr/bin/python3 - "$1" "$tmp/v.secret" "$tmp/v.key" <<'END'
import re, sys
process, secret_file, key_file = sys.argv[1:]
secret = open(secret_file, "rb").read()
# The two halves of an XTS key are used apart.
key = bytes.fromhex(open(key_file).read())
needles = {"secret": secret, "first half of the key": key[:16], "second half of the key": key[16:]}
mapping, found, locked = None, [], {}
mappings = []
for line in open(f"/proc/{process}/smaps"):
    head = re.match(r"([0-9a-f]+)-([0-9a-f]+) (r\S+)", line)
    if head:
        name = line.split()[5:] or ["[anonymous]"]
        mapping = (int(head[1], 16), int(head[2], 16), name[0])
    elif line.startswith("VmFlags:"):
        if mapping: mappings.append((*mapping, " lo" in line))
        mapping = None
with open(f"/proc/{process}/mem", "rb", 0) as memory:
    for start, end, name, is_locked in mappings:
        try:
            memory.seek(start)
            data = memory.read(end - start)
        except (OSError, ValueError, OverflowError):
            continue  # [vvar] and the like
        for what, needle in needles.items():
            if needle in data:
                print(what, "in", name, "locked" if is_locked else "not locked")
END
}

for secret in "secret=$tmp/v.secret" "passphrase=+$tmp/line"; do
  note "${secret%%=*}"
  serve "header=$tmp/v.header" "payload=$tmp/v.payload" "$secret"
  nbdcopy "$uri" "$tmp/read"
  find_in_memory "$server" | tee "$tmp/found"
  # The cipher needs the key, so a search that does not find it is no search.
  grep -q 'key in .* locked' "$tmp/found" || fail "the volume key is not even in locked memory"
  if grep -q '^secret' "$tmp/found"; then fail "the secret is still in memory"; fi
  if grep -q 'not locked' "$tmp/found"; then fail "key bytes in memory that is not locked"; fi
  stop "$server"
done
