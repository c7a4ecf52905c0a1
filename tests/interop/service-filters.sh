#!/bin/bash
# nbdkit's filters work for the whole service, with their parameters, in the order of the config.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

make_luks2 vm1 2M
requests=$tmp/requests
filtered() {
  service_config "$@" < <(export_table vm1 vm1)
  start_service
  settled
}

note "log"
filtered 'filters = ["log"]' "filter-parameters = { logfile = \"$requests\", logappend = true }"
nbd_shell -u "$(uri_of vm1)" -c 'h.pread(512, 1024)'
matches 'Connect export=vm1 ' "$requests"
matches 'Read .*offset=0x400 count=0x200' "$requests"
ends_within_a_second

note "rate"
milliseconds() {
  local start
  start=$(date +%s%3N)
  nbdcopy "$(uri_of vm1)" null:
  echo $(($(date +%s%3N) - start))
}
filtered 'filters = ["log", "rate"]' \
  "filter-parameters = { rate = \"4M\", burstiness = 1, logfile = \"$requests\" }"
took=$(milliseconds) # 2 MiB are 16 Mbit: 4 seconds
[ "$took" -gt 2000 ] || fail "2 MiB took $took ms only at 4 Mbit/s"
ends_within_a_second

note "not installed"
service_config 'filters = ["rate", "no-such"]' < <(export_table vm1 vm1)
for command in "config check" serve; do
  read -ra words <<<"$command"
  exits 2 "$program" "${words[@]}" "$config"
  says 'config\.toml:4:20: filters in \[service\] needs the filter .*/nbdkit-no-such-filter\.so: No such file or directory \(Debian package nbdkit\)$'
done
