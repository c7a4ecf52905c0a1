# What the tests with a hostile NBD server share; sourced after lib.sh.
# shellcheck shell=bash disable=SC2154  # variables of lib.sh

# hostile NAME FILE: hostile_nbd.py serves FILE at $tmp/NAME.sock, on the cues of `cue NAME`. Sets
# $uri, and $hostile (its process); what it was asked is in $tmp/NAME.asked.
hostile() {
  /usr/bin/python3 -B "$here/hostile_nbd.py" "$tmp/$1.sock" "$2" "$tmp/$1.cues" \
    >>"$tmp/$1.asked" 2>"$tmp/$1.log" &
  hostile=$!
  defer no_traceback "$tmp/$1.log"
  defer stop_quietly "$hostile"
  eventually test -S "$tmp/$1.sock"
  uri="nbd+unix:///?socket=$tmp/$1.sock"
}

# The server itself must not be what broke.
no_traceback() {
  if grep -q Traceback "$1"; then
    status=1 # of finish, whose part this is
  fi
}

# cue NAME WORD…: from now on; without words the server is honest.
cue() {
  printf '%s\n' "${@:2}" >"$tmp/$1.cues.new"
  mv "$tmp/$1.cues.new" "$tmp/$1.cues"
}

# stops_within SECONDS: $server does, cleanly, however long its requests would still wait.
stops_within() {
  local _
  kill -TERM "$server"
  for _ in $(seq $(($1 * 20))); do
    if ! kill -0 "$server" 2>/dev/null; then
      wait "$server" || fail "ended with status $?"
      unset "running[$server]"
      return 0
    fi
    sleep 0.05
  done
  kill -KILL "$server"
  unset "running[$server]"
  fail "still there $1 seconds after SIGTERM"
}
