#!/bin/bash
# hostile-at-start.sh header|payload: whatever the server of a header or of a payload says, or does not
# say, while a volume is opened: the plugin refuses it with one line, within its time limits.
. "$(dirname -- "$0")/lib.sh"
. "$here/faults.sh"
. "$here/hostile.sh"
role=$1

make_luks2 v 1M --sector-size 512

# from URI: the plugin's parameters for the volume, of which the role's part is there.
from() {
  parameters v
  parameters=("${parameters[@]/#$role=*/$role=$1}")
}

# --- What only time can tell, all at once

defer wait # for them: they end when their servers are stopped
slow=()
# in_time REGEX CUE…: refused after half a minute.
in_time() {
  local name=slow${#slow[@]}
  hostile "$name" "$tmp/v.$role"
  cue "$name" "${@:2}"
  from "${scheme:-nbd+unix}:///?socket=$tmp/$name.sock"
  (
    tmp=$tmp/$name # refused keeps its files there
    mkdir "$tmp"
    SECONDS=0
    refused "$1" "${parameters[@]}" insecure=true
    [ "$SECONDS" -ge 28 ] && [ "$SECONDS" -le 37 ] || fail "took $SECONDS seconds"
  ) >"$tmp/$name.said" 2>&1 &
  slow+=($!)
}
for cues in greeting=silent options=silent 'greeting=trickle options=trickle'; do
  # shellcheck disable=SC2086  # words
  in_time 'cannot connect to nbd\+unix:.*not answer within 30 seconds' $cues
done
for how in silent trickle stalled chunks-for-ever; do
  in_time 'cannot read .*not answer within 30 seconds' reply=$how
done
scheme=nbds+unix in_time 'cannot connect to nbds\+unix:.*not answer within 30 seconds' tls=silent

# --- What is wrong at once

hostile quick "$tmp/v.$role"
from "$uri"
# at_once REGEX CUE…
at_once() { within 20 "$@"; }
within() { # SECONDS REGEX CUE…
  note "${@:3}"
  cue quick "${@:3}"
  SECONDS=0
  refused "$2" "${parameters[@]}" insecure=true
  [ "$SECONDS" -le "$1" ] || fail "took $SECONDS seconds"
}

for size in 0 511; do at_once "$role.*(too small|truncated).* $size bytes" size=$size; done
for size in 9223372036854775808 18446744073709551615; do at_once '2\^63' size=$size; done
for how in close garbage text; do
  at_once 'cannot connect to nbd\+unix:.*(disconnected|handshake)' greeting=$how
  at_once 'cannot connect to nbd\+unix:.*(disconnected|handshake)' options=$how
  at_once 'cannot read .*connection was lost' reply=$how
  at_once 'cannot read .*connection was lost' reply=$how without=structured
done
at_once 'cannot read .*connection was lost' reply=short
# libnbd 1.22 may pass over an answer to another request, and waits for ours.
within 37 'cannot read .*(connection was lost|not answer within 30 seconds)' reply=cookie
# Which of these end the connection is a matter of libnbd's version.
for how in chunk-{beyond,unknown,error-lies,huge,for-a-status,before,overlap,missing,empty,none,unknown-error,error-after-data,error-0} \
  hole-huge hole-short; do
  at_once 'cannot read .*(connection was lost|the server says)' reply=$how
done
for error in 1 5 12 22 28 75 95 77 4294967295; do
  at_once 'cannot read .*the server says' reply=error:$error
done
at_once 'cannot read .*connection was lost' reply=error:108 # ESHUTDOWN: it will be gone
[ "$role" = header ] || at_once 'several connections.*differ' differs=yes

note "plain text where TLS was asked for"
from "nbds+unix:///?socket=$tmp/quick.sock"
: >"$tmp/quick.asked"
for how in text garbage close; do at_once 'cannot connect to nbds\+unix:.*(tls|handshake|terminated)' tls=$how; done
at_once 'cannot connect to nbds\+unix:.*tls' # it has none
if grep -Ev '^connection [0-9]+$' "$tmp/quick.asked"; then fail "it was asked something in the clear"; fi

# --- In time

i=0
for process in "${slow[@]}"; do
  wait "$process" || fail "$(cat "$tmp/slow$i.cues" "$tmp/slow$i.said")"
  note "$(cat "$tmp/slow$i.cues"): $(cat "$tmp/slow$i.said")"
  i=$((i + 1))
done

# --- What is strange, but can be served

from "nbd+unix:///?socket=$tmp/quick.sock"
for cues in size=9223372036854775807 without=flush,fua,trim,cache,multi-conn,structured,status minimum=3 \
  minimum=131072 maximum=100 readonly=yes; do
  note "$cues"
  cue quick $cues
  serve "${parameters[@]}"
  nbd_shell -u "$uri" -c 'h.pread(100, 4000)'
  stop "$server"
done
