#!/bin/bash
# The processes that serve a source for us end with us: after a clean end and after kill -9, in the
# foreground and as a daemon, also while a request is under way. What they say is in our log.
. "$(dirname -- "$0")/lib.sh"
. "$here/tls.sh"
. "$here/servers.sh"

make_luks2 v 256K --sector-size 512
mkdir "$tmp/web"
cp "$tmp/v.payload" "$tmp/web/payload"
cp "$tmp/v.payload" "$tmp/slow.payload"
web_server
ssh_server
sshd=$server
declare -A payload=(
  [http]=$http/payload
  [ssh]="ssh://$ssh$tmp/v.payload?$ssh_keys"
  [qemu]=qemu:raw:$tmp/v.payload
)

# descendants PROCESS: with the time at which each began, for numbers are used again.
descendants() {
  local child began
  for child in $(pgrep -P "$1"); do
    # None is there any more where a program was asked something.
    began=$(cut -d' ' -f22 "/proc/$child/stat" 2>/dev/null) || continue
    printf '%s %s\n' "$child" "$began"
    descendants "$child"
  done
}
none_is_left() { # FILE of descendants
  local process began
  while read -r process began; do
    if [ "$(cut -d' ' -f22 "/proc/$process/stat" 2>/dev/null)" = "$began" ] &&
      ! grep -q '^State:.*zombie' "/proc/$process/status"; then
      echo "left: $(tr '\0' ' ' <"/proc/$process/cmdline")"
      return 1
    fi
  done <"$1"
}
# has_children PROCESS: soon, for a daemon starts them when it is one.
has_children() {
  local _
  for _ in $(seq 60); do
    descendants "$1" >"$tmp/children"
    if [ -s "$tmp/children" ]; then return 0; fi
    sleep 0.05
  done
  fail "no process serves the payload: this test sees nothing"
}
soon_gone() {
  local _
  for _ in $(seq 60); do
    if none_is_left "$tmp/children" >"$tmp/left" 2>/dev/null; then return 0; fi
    sleep 0.05
  done
  fail "after 3 seconds: $(cat "$tmp/left")"
}

served() { serve "header=$tmp/v.header" "payload=$1" "secret=$tmp/v.secret"; }
killed() { # PROCESS
  kill -KILL "$1"
  wait "$1" 2>/dev/null || true
  unset "running[$1]"
}
gone() { ! kill -0 "$1" 2>/dev/null; }
daemon() { # PAYLOAD: sets $server and $uri
  servers=$((servers + 1))
  socket=$tmp/server$servers.sock
  uri="nbd+unix:///?socket=$socket"
  rm -f "$tmp/daemon.pid"
  "${nbdkit_under_test[@]}" -P "$tmp/daemon.pid" -U "$socket" "$plugin" "header=$tmp/v.header" \
    "payload=$1" "secret=$tmp/v.secret" </dev/null >"$tmp/daemon.log" 2>&1
  eventually test -s "$tmp/daemon.pid"
  server=$(cat "$tmp/daemon.pid")
  defer kill -KILL "$server"
}
# busy: a client that reads for ever.
busy() {
  /usr/bin/python3 -m nbd -u "$uri" -c 'while True: h.pread(65536, 0)' >"$tmp/busy.log" 2>&1 &
  busy=$!
  defer stop_quietly "$busy"
  sleep 0.3
}

for kind in http ssh qemu; do
  note "$kind: a clean end"
  served "${payload[$kind]}"
  has_children "$server"
  nbdcopy "$uri" "$tmp/read"
  stop "$server"
  soon_gone

  note "$kind: a clean end under load"
  served "${payload[$kind]}"
  busy
  has_children "$server"
  stop "$server"
  soon_gone

  note "$kind: kill -9"
  served "${payload[$kind]}"
  has_children "$server"
  killed "$server"
  soon_gone

  note "$kind: kill -9 under load"
  served "${payload[$kind]}"
  busy
  has_children "$server"
  killed "$server"
  soon_gone

  note "$kind: a daemon that ends"
  daemon "${payload[$kind]}"
  has_children "$server"
  nbdinfo --size "$uri" >/dev/null
  kill -TERM "$server"
  eventually gone "$server"
  soon_gone

  note "$kind: a daemon and kill -9, under load"
  daemon "${payload[$kind]}"
  busy
  has_children "$server"
  kill -KILL "$server"
  eventually gone "$server"
  soon_gone
done

note "kill -9 while a server keeps its answer to itself"
served "$http/slow/payload"
busy
has_children "$server"
killed "$server"
soon_gone
served "${payload[ssh]}"
has_children "$server"
sshd_has_sessions() {
  mapfile -t sessions < <(descendants "$sshd" | cut -d' ' -f1)
  [ ${#sessions[@]} != 0 ]
}
eventually sshd_has_sessions
kill -STOP "${sessions[@]}"
defer kill -CONT "${sessions[@]}"
busy
killed "$server"
soon_gone

note "after a clean end they have closed what they had open"
cat >"$tmp/closes.sh" <<END
case \$1 in
  get_size) echo 262144 ;;
  pread) dd iflag=skip_bytes,count_bytes skip=\$4 count=\$3 if='$tmp/v.payload' status=none ;;
  unload) echo >>'$tmp/closed' ;;
  *) exit 2 ;;
esac
END
chmod +x "$tmp/closes.sh"
served "nbdkit:sh?script=$tmp/closes.sh"
: >"$tmp/closed"
nbdcopy "$uri" "$tmp/read"
stop "$server"
[ -s "$tmp/closed" ] || fail "the child was killed"

note "a start that fails"
printf wrong >"$tmp/wrong"
for kind in http ssh qemu; do
  setsid "${nbdkit_under_test[@]}" -f -U "$tmp/refused.sock" "$plugin" "header=$tmp/v.header" \
    "payload=${payload[$kind]}" "secret=$tmp/wrong" </dev/null >"$tmp/refused.log" 2>&1 &
  session=$!
  if wait "$session"; then fail "unlocked by a wrong secret"; fi
  for _ in $(seq 20); do
    left=$(pgrep -s "$session" || true)
    [ -n "$left" ] || break
    sleep 0.05
  done
  [ -z "$left" ] || fail "after a second: $(ps -o pid,args -p "$(paste -sd, <<<"$left")")"
done

note "what they say is in our log"
served "${payload[http]}"
nbd_shell -u "$uri" -c 'h.pread(4096, 0)' # its server has opened the file
mv "$tmp/web/payload" "$tmp/web/moved"
/usr/bin/python3 -c '
import nbd, sys
h = nbd.NBD()
try:
    h.connect_uri(sys.argv[1])
    h.pread(4096, 65536)
except nbd.Error:
    pass
else:
    sys.exit("read what is not there")' "$uri"
matches 'curl.*404' "$log"
stop "$server"
