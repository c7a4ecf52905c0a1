#!/bin/bash
# Access is taken away also while something hangs: a request to a silent payload server, and the opening
# of another export. The log says what is not over yet, and when it is.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

for name in stays hangs opens comes; do make_luks2 $name 1M --sector-size 4096; done
service_socket=$socket
serve_plain file "$tmp/hangs.payload"
storage=$server storage_uri=$uri socket=$service_socket
mkfifo "$tmp/fifo"
{
  export_table stays stays
  export_table hangs hangs "payload = \"$storage_uri\""
  export_table opens opens "secret = \"$tmp/fifo\""
} | service_config
start_service
both_are_open() { [ "$(state stays) $(state hangs)" = "open open" ]; }
eventually both_are_open

note "a request that does not end"
kill -STOP "$storage"
nbd_shell -u "$(uri_of hangs)" -c 'h.pread(4096, 8192)' >"$tmp/request" 2>&1 &
request=$!
has_client() { [ "$("$program" status --json "$config" | jq '.exports[1].clients')" = 1 ]; }
eventually has_client
sleep 1 # so that it has begun

begin=$SECONDS
{ export_table stays stays && export_table comes comes; } | service_config
"$program" reload "$config" 2>"$tmp/reload" &
reload=$!
# Both, the request and the opening, which still waits for its secret.
is_said() { grep -q "event=remove export=\"$1\" detail=\"it was removed; but something that was begun with it has not ended" "$log"; }
for name in hangs opens; do eventually is_said $name; done
[ $((SECONDS - begin)) -le 15 ] || fail "it took $((SECONDS - begin)) s"
exits 1 nbdinfo "$(uri_of hangs)"
says 'there is no export|No such file'

note "what comes is opened as soon as the opening is over"
echo "not the secret" >"$tmp/fifo"
comes_is_open() { [ "$(state comes)" = open ]; }
eventually comes_is_open

note "the request ends"
kill -CONT "$storage"
over() { grep -q 'event=remove export="hangs" detail="the last of what was begun with it has ended' "$log"; }
eventually over
wait "$request" || fail "the request that had begun: $(cat "$tmp/request")"
wait $reload || fail "reload: $(cat "$tmp/reload")"
ends_within_a_second
