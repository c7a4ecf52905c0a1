#!/bin/bash
# The password of a source is in the command line, the environment and the log of nobody but who was
# given it: not of the processes that serve the source for us, not in what we say.
. "$(dirname -- "$0")/lib.sh"
. "$here/tls.sh"
. "$here/servers.sh"
. "$here/service.sh"

make_luks2 v 256K --sector-size 512
mkdir "$tmp/web"
noise 256K >"$tmp/plain"
encrypted v 512 <"$tmp/plain" >"$tmp/v.payload"
cp "$tmp/v.payload" "$tmp/web/payload"
cp "$tmp/v.header" "$tmp/web/header"
mark=$(unguessable)
password="p@ss:w/r%d $mark"
encoded="p%40ss%3Aw%2Fr%25d%20$mark"
printf '%s\n' "$mark" >"$tmp/mark"
web_server
ssh_server
known="known-hosts=$known_hosts"
at_ssh=${ssh#*@}
http_locked=http://alice:$encoded@${http#*://}/locked
declare -A sources=(
  [http]="$http_locked/payload $http_locked/header"
  [ssh]="ssh://alice:$encoded@$at_ssh$tmp/v.payload?$known ssh://alice:$encoded@$at_ssh$tmp/v.header?$known"
  [nbdkit:curl]="nbdkit:curl?url=$http/locked/payload&user=alice&password=$encoded nbdkit:curl?url=$http/locked/header&user=alice&password=$encoded"
  [nbdkit:curl with it in the URL]="nbdkit:curl?url=${http_locked//%/%25}/payload nbdkit:curl?url=${http_locked//%/%25}/header"
  [nbdkit:ssh]="nbdkit:ssh?host=127.0.0.1&port=${ssh##*:}&user=alice&password=$encoded&path=$tmp/v.payload&$known nbdkit:ssh?host=127.0.0.1&port=${ssh##*:}&user=alice&password=$encoded&path=$tmp/v.header&$known"
)

# shown_by_a_process [PROCESS]: which command lines and environments have the mark, but PROCESS's own.
shown_by_a_process() {
  { grep -aslF -f "$tmp/mark" /proc/[0-9]*/cmdline /proc/[0-9]*/environ || true; } |
    grep -v "^/proc/${1:-none}/" || true
}
is_shown() { [ -n "$(shown_by_a_process)" ]; }
hidden() { # [PROCESS]
  local where
  where=$(shown_by_a_process "${1:-}")
  [ -z "$where" ] || fail "the password is in $where"
  if grep -aF -f "$tmp/mark" "$log"; then fail "the password is in the log"; fi
}
# Processes come and go while the header is read: what they were started with is in the trace. A
# sanitizer cannot be traced.
traced=()
: >"$tmp/trace"
if [ -z "${LUKSDETACHED_PRELOAD:-}" ]; then
  traced=(strace -f -qq -v -s 100000 -e trace=execve -o "$tmp/trace")
fi
# strace keeps signals to itself while it runs a program, whose exit status becomes its own.
stop_traced() {
  kill -TERM "$(pgrep -o -P "$server")"
  wait "$server" || fail "ended with status $?: ${running[$server]}"
  unset "running[$server]"
}
has_children() { [ -n "$(pgrep -P "$server")" ] || fail "no process serves the payload"; }
reads_plain() {
  nbdcopy "$1" "$tmp/read"
  same "$tmp/plain" "$tmp/read"
}

note "the check sees a command line"
setpriv --pdeathsig TERM /usr/bin/python3 -c 'import time; time.sleep(100)' "$mark" >"$tmp/shown" 2>&1 &
shown=$!
defer stop_quietly "$shown"
eventually is_shown
stop_quietly "$shown" || true

for kind in "${!sources[@]}"; do
  read -r payload header <<<"${sources[$kind]}"
  note "$kind, by parameters"
  # nbdkit itself got the URIs in its command line; everybody else must not.
  serve "header=$header" "payload=$payload" "secret=$tmp/v.secret"
  reads_plain "$uri"
  has_children
  hidden "$server"
  stop "$server"

  note "$kind, by a config file, with a log of everything"
  socket=$tmp/nbd.sock
  rm -f "$socket"
  log=$tmp/service.log
  : >"$log"
  service_config < <(export_table vm1 v "header = \"$header\"" "payload = \"$payload\"")
  "${traced[@]}" "${nbdkit_under_test[@]}" -f -v -U "$socket" "$plugin" "config=$config" </dev/null >>"$log" 2>&1 &
  server=$!
  running[$server]="config=$config"
  defer end "$server"
  eventually nbdinfo --size "$(uri_of vm1)"
  reads_plain "$(uri_of vm1)"
  has_children
  hidden
  if [ ${#traced[@]} = 0 ]; then stop "$server"; else stop_traced; fi
  hidden
  if grep -aF -f "$tmp/mark" "$tmp/trace"; then fail "a process was started with the password"; fi
done

note "a wrong password, a missing file: the messages"
wrong=http://alice:${mark}0@${http#*://}/locked
for source in "$wrong/payload" "$http_locked/absent" "ssh://alice:${mark}0@$at_ssh$tmp/v.payload?$known" \
  "ssh://alice:$encoded@$at_ssh$tmp/absent?$known" "nbdkit:curl?url=$http/locked/absent&user=alice&password=$encoded" \
  "nbdkit:curl?url=${wrong//%/%25}/payload"; do
  refused_source '.' "$source"
  if grep -aF -f "$tmp/mark" "$tmp/refused.err"; then fail "the password is in a message"; fi
done
