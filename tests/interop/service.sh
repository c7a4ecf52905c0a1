# What the tests of the program and its service share; sourced after lib.sh.
# shellcheck shell=bash disable=SC2154  # tmp and others come from lib.sh

program=$build/server/luksdetached
# The sanitizer's runtime goes on into the nbdkit that the program becomes.
serve_under_test=("${nbdkit_under_test[@]:0:${#nbdkit_under_test[@]}-1}" "$program" serve)
config=$tmp/config.toml
socket=$tmp/nbd.sock
status_socket=$tmp/status.sock
log=$tmp/service.log

# uri_of [EXPORT]
uri_of() { printf 'nbd+unix:///%s?socket=%s' "${1:-}" "$socket"; }

# service_config [LINE…] < exports: $config, for a service in $tmp; LINEs are more of [service].
service_config() {
  {
    printf '[service]\nlisten = ["unix:%s"]\nstatus = "%s"\n' "$socket" "$status_socket"
    [ $# = 0 ] || printf '%s\n' "$@"
    cat
  } >"$config"
}

# export_table NAME VOLUME [LINE…]: an export of a volume of make_volume. Of two lines with the
# same key only the later one stays.
export_table() {
  local name=$1 base=$tmp/$2
  shift 2
  printf '[[export]]\n'
  {
    printf 'name = "%s"\nheader = "%s"\npayload = "%s"\nsecret = "%s"\n' \
      "$name" "$base.header" "$base.payload" "$base.secret"
    [ $# = 0 ] || printf '%s\n' "$@"
  } | tac | awk '!seen[$1]++' | tac
}

# start_service [CONFIG]: `luksdetached serve` in the background, until it answers. Sets $server.
start_service() {
  "${serve_under_test[@]}" "${1:-$config}" </dev/null >>"$log" 2>&1 &
  server=$!
  defer stop_quietly "$server"
  local _
  for _ in $(seq 600); do
    if "$program" healthcheck "${1:-$config}" 2>/dev/null; then return 0; fi
    kill -0 "$server" 2>/dev/null || fail "the service does not start: $(cat "$log")"
    sleep 0.05
  done
  fail "the service does not answer after 30 seconds: $(cat "$log")"
}

# state NAME: the state of an export, as the status command says it.
state() { "$program" status --json "$config" | jq -r --arg name "$1" '.exports[] | select(.name == $name) | .state'; }
reason() { "$program" status --json "$config" | jq -r --arg name "$1" '.exports[] | select(.name == $name) | .reason'; }

# settled: no export is waiting any more.
nothing_waits() { "$program" status --json "$config" | jq -e 'all(.exports[]; .state != "waiting")'; }
settled() { eventually nothing_waits; }

# exits STATUS COMMAND…: with exactly this status; what it said is in $tmp/said.
exits() {
  local wanted=$1 status=0
  shift
  timeout 60 "$@" >"$tmp/said" 2>&1 </dev/null || status=$?
  [ "$status" = "$wanted" ] || fail "status $status instead of $wanted: $*: $(cat "$tmp/said")"
}

# says REGEX: the command of `exits` said that.
says() { matches "$1" "$tmp/said"; }

# reads FILE [EXPORT]: the export has the bytes of FILE.
reads() {
  nbdcopy "$(uri_of "${2:-}")" "$tmp/read"
  same "$1" "$tmp/read"
}

# ends_within_a_second: the service, on SIGTERM, cleanly. Sanitizers take their time.
ends_within_a_second() {
  local start limit=1000
  [ -z "${LUKSDETACHED_PRELOAD:-}" ] || limit=10000
  start=$(date +%s%3N)
  stop "$server"
  [ $(($(date +%s%3N) - start)) -lt "$limit" ] || fail "the service took more than $limit ms to end"
  [ ! -e "$status_socket" ] || fail "the status socket is still there"
}
