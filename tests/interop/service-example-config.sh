#!/bin/bash
# docs/config.toml: it is a good config and is served; it has all keys of luksdetached(1), and those that it
# shows in comments are such as it says. Only the folders are others.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

mkdir -p "$tmp"/{etc/luksdetached,run/luksdetached,srv/headers,srv/payloads,usr/local/bin}
sed -E "s#(/etc/luksdetached|/run/|/srv/|/usr/local/)#$tmp\\1#g" "$here/../../docs/config.toml" >"$config"
socket=$tmp/run/luksdetached/nbd.sock
status_socket=$tmp/run/luksdetached/status.sock

make_luks2 vm1 1M --sector-size 512
make_luks2 vm2 2M --sector-size 4096
for volume in vm1 vm2; do
  cp "$tmp/$volume.secret" "$tmp/etc/luksdetached/"
  cp "$tmp/$volume.payload" "$tmp/srv/payloads/$volume.img"
done
cp "$tmp/vm1.header" "$tmp/srv/headers/vm1.img"
printf '#!/bin/sh\necho "not the secret of $1"\n' >"$tmp/usr/local/bin/ask"
chmod +x "$tmp/usr/local/bin/ask"
start nbdkit -U "$tmp/run/vault.sock" --readonly file "$tmp/vm2.header"
start nbdkit -U "$tmp/run/storage.sock" file "$tmp/srv/payloads/vm2.img"

note "it is good, and served"
exits 0 "$program" config check "$config"
says 'good, 3 exports'
start_service
settled
exits 0 "$program" healthcheck --ready "$config"
noise 1M >"$tmp/plain1"
noise 2M >"$tmp/plain2"
nbdcopy --flush "$tmp/plain1" "$(uri_of vm1)"
nbdcopy --flush "$tmp/plain2" "$(uri_of vm2)"
reads "$tmp/plain1"
reads "$tmp/plain1" vm1-backup
reads "$tmp/plain2" vm2
cp "$tmp/srv/payloads/vm2.img" "$tmp/vm2.payload"
decrypted vm2 4096 >"$tmp/decrypted"
same "$tmp/plain2" "$tmp/decrypted"
nbdinfo "$(uri_of vm2)" >"$tmp/info"
matches 'can_trim: true' "$tmp/info"
ends_within_a_second

note "every key of the man page, and none that there is not"
/usr/bin/python3 - "$program" "$config" "$here/../../docs/luksdetached.pod" "$tmp" <<'END'
import pathlib, re, subprocess, sys
program, config, page, directory = sys.argv[1:]
lines = pathlib.Path(config).read_text().splitlines()
key_of = re.compile(r"#?([a-z0-9-]+) += ")
shown = {match[1] for line in lines if (match := key_of.match(line))}
section = re.search(r"^=head1 CONFIG FILE$(.*?)^=head1 ", pathlib.Path(page).read_text(), re.M | re.S)[1]
known = {key for item in re.findall(r"^=item (.*) = ", section, re.M) for key in re.findall(r"B<([a-z0-9-]+)>", item)}
assert len(known) > 25, known
assert shown == known, shown ^ known
# Each of the comments as a line of its own, in the place of another value of that key.
for number, line in enumerate(lines):
    if not line.startswith("#") or not (match := key_of.match(line)):
        continue
    begin = max(at for at in range(number) if lines[at].startswith("["))
    end = next((at for at in range(number, len(lines)) if lines[at].startswith("[")), len(lines))
    changed = [other for at, other in enumerate(lines)
               if at == number or not (begin < at < end and other.startswith(match[1] + " "))]
    changed[changed.index(line)] = line[1:]
    file = pathlib.Path(directory, "changed.toml")
    file.write_text("\n".join(changed))
    result = subprocess.run([program, "config", "check", file], capture_output=True, text=True)
    said = (result.stdout + result.stderr).strip().replace(directory, "")
    print(line[1:], "--", said)
    # What only makes sense beside another comment says so.
    assert result.returncode == 0 or re.search(r"needs|takes the place", said), said
END
