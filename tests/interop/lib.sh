# What the interop tests share. A test sources this first, works in $tmp, and ends through the trap
# below, which stops what the test started and fails it on any sanitizer report.
# shellcheck shell=bash
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
build=$(cd -- "${LUKSDETACHED_BUILD:-$here/../../build}" && pwd)
plugin=$build/plugin/nbdkit-luksdetached-plugin.so
export PATH=$PATH:/usr/sbin:/sbin LC_ALL=C
tmp=$(mktemp -d /tmp/luksdetached-test.XXXXXX)

# --- Ends ------------------------------------------------------------------------------------------

note() { printf '%s\n' "-- $*"; }

fail() {
  printf '%s\n' "FAIL: $*" >&2
  exit 1
}

# Only for what a machine may rightly lack; a missing program is a failure.
skip() {
  printf '%s\n' "SKIP: $*"
  exit 77
}

deferred=()
# defer COMMAND…: run it when the test ends, the last one first.
defer() {
  local quoted
  printf -v quoted '%q ' "$@"
  deferred=("$quoted" ${deferred[@]+"${deferred[@]}"})
}

finish() {
  local status=$? action
  trap - EXIT
  set +e
  for action in ${deferred[@]+"${deferred[@]}"}; do eval "$action"; done
  if compgen -G "$tmp/sanitizer.*" >/dev/null; then
    /usr/bin/python3 "$here/sanitizer_reports.py" "$tmp"/sanitizer.* || status=1
  fi
  if [ "$status" != 0 ] && [ "$status" != 77 ]; then tail -n 20 "$tmp"/*.log >&2; fi
  rm -rf "$tmp"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# eventually COMMAND…: until it succeeds, 15 seconds at most.
eventually() {
  local _
  for _ in $(seq 300); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.05
  done
  fail "never came true: $*"
}

# same FILE FILE…: all have the same bytes.
same() {
  local first=$1 other
  shift
  for other; do cmp -- "$first" "$other" || fail "$first and $other differ"; done
}

# matches REGEX FILE: extended, whatever the case of letters.
matches() { grep -Eiq -- "$1" "$2" || fail "nothing like '$1' in: $(cat "$2")"; }

# expect_failure COMMAND…: it must exit non-zero, but not by a signal or a time limit.
expect_failure() {
  local status=0
  timeout 60 "$@" >"$tmp/failure.out" 2>&1 || status=$?
  [ "$status" != 0 ] || fail "succeeded but should not: $*"
  [ "$status" -lt 124 ] || fail "status $status: $*: $(cat "$tmp/failure.out")"
}

# --- Servers ---------------------------------------------------------------------------------------

# The nbdkit under test. The sanitizer's runtime must come before the program's own libraries, and
# it goes into nbdkit alone: cryptsetup and QEMU are not ours to judge.
nbdkit_under_test=(nbdkit)
if [ -n "${LUKSDETACHED_PRELOAD:-}" ]; then
  report=log_path=$tmp/sanitizer:exitcode=99 # finish fails the test if there is such a file
  # shellcheck disable=SC2206  # the wrapper is a command with its arguments
  nbdkit_under_test=(${LUKSDETACHED_WRAP:-} env "LD_PRELOAD=$LUKSDETACHED_PRELOAD"
    "ASAN_OPTIONS=$report:detect_leaks=${leaks:-1}"
    "LSAN_OPTIONS=exitcode=0" # finish looks at each leak
    "UBSAN_OPTIONS=$report:print_stacktrace=1"
    "TSAN_OPTIONS=$report:suppressions=$here/tsan.supp" nbdkit)
fi

servers=0
declare -A running=() # the command of each server, by its process

# start COMMAND… : an nbdkit that stays in the foreground, until its pid file says it serves.
# Sets $server (its process), $log (what it says) and $socket (for callers to use or not).
start() {
  local pid_file=$tmp/server$servers.pid
  log=$tmp/server$servers.log
  "$@" -f --exit-with-parent -P "$pid_file" </dev/null >"$log" 2>&1 &
  server=$!
  running[$server]=$*
  defer end "$server"
  local _
  for _ in $(seq 600); do
    if [ -s "$pid_file" ]; then return 0; fi
    kill -0 "$server" 2>/dev/null || fail "does not start: $*: $(cat "$log")"
    sleep 0.05
  done
  fail "does not serve after 30 seconds: $*: $(cat "$log")"
}

# serve ARG…: the plugin on a unix socket. ARG: its parameters, and options of nbdkit. Sets $uri.
serve() {
  servers=$((servers + 1))
  socket=$tmp/server$servers.sock
  uri="nbd+unix:///?socket=$socket"
  start "${nbdkit_under_test[@]}" -U "$socket" "$plugin" "$@"
}

# serve_tcp ADDRESS ARG…: the same on a TCP port of ADDRESS, which $port and $uri then name.
serve_tcp() {
  local address=$1
  shift
  servers=$((servers + 1))
  port=$(free_port "$address")
  uri=$(tcp_uri "$address" "$port")
  start "${nbdkit_under_test[@]}" -i "$address" -p "$port" "$plugin" "$@"
}

# serve_plain ARG…: any other nbdkit plugin on a unix socket, without the code under test.
serve_plain() {
  servers=$((servers + 1))
  socket=$tmp/server$servers.sock
  uri="nbd+unix:///?socket=$socket"
  start nbdkit -U "$socket" "$@"
}

# serve_plain_tcp ADDRESS ARG…
serve_plain_tcp() {
  local address=$1
  shift
  servers=$((servers + 1))
  port=$(free_port "$address")
  uri=$(tcp_uri "$address" "$port")
  start nbdkit -i "$address" -p "$port" "$@"
}

# stop PROCESS: ends a server that start began. It must still be there and end cleanly.
stop() {
  local result=0
  kill -TERM "$1" 2>/dev/null || fail "server $1 is gone already: ${running[$1]}"
  wait "$1" || result=$?
  [ "$result" = 0 ] || fail "server $1 ended with status $result: ${running[$1]}"
  unset "running[$1]"
}

# end PROCESS: the same when the test ends, unless it was stopped or the test did away with it.
end() {
  local result=0
  [ -n "${running[$1]:-}" ] || return 0
  kill -TERM "$1" 2>/dev/null
  wait "$1" || result=$?
  if [ "$result" != 0 ]; then
    printf '%s\n' "FAIL: server $1 ended with status $result: ${running[$1]}" >&2
    status=1 # of finish, whose part this is
  fi
}

# stop_quietly PROCESS: any other process, at the end of a test; it may be gone already.
stop_quietly() {
  if kill -TERM "$1" 2>/dev/null; then wait "$1" 2>/dev/null; fi
}

# An IPv6 address stands in brackets in a URI.
tcp_uri() {
  case $1 in
    *:*) printf 'nbd://[%s]:%s/' "$1" "$2" ;;
    *) printf 'nbd://%s:%s/' "$1" "$2" ;;
  esac
}

free_port() {
  /usr/bin/python3 - "$1" <<'END'
import socket, sys
address = sys.argv[1]
listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
listener.bind((address, 0))
print(listener.getsockname()[1])
END
}

# fenced LANGUAGE: the code blocks of README in that language.
fenced() {
  awk -v "fence=\`\`\`$1" '$0 == fence { inside = 1; next } $0 == "```" { inside = 0 } inside' \
    "$here/../../README.md"
}

# nbdsh, with the Python that Debian's python3-libnbd is for.
nbd_shell() { /usr/bin/python3 -m nbd "$@"; }

# with_raw_nbd ARG… < SCRIPT: Python that may import raw_nbd.py.
with_raw_nbd() { PYTHONPATH=$here /usr/bin/python3 -B - "$@"; }

# dump_cores: core dumps of what is started from now on go to $tmp/cores, where the test is then.
dump_cores() {
  case $(cat /proc/sys/kernel/core_pattern) in
    [!a-z]* | */*) skip "this machine's core dumps go elsewhere: $(cat /proc/sys/kernel/core_pattern)" ;;
  esac
  ulimit -S -c "$(ulimit -H -c)"
  mkdir "$tmp/cores"
  cd "$tmp/cores"
  { sh -c 'kill -ABRT $$'; } 2>/dev/null || true
  ls core* >/dev/null 2>&1 || skip "this machine makes no core dumps here: ulimit -H -c is $(ulimit -H -c)"
  rm -f core*
}

# --- Volumes ---------------------------------------------------------------------------------------

declare -A watched=() # files that nothing may change while the plugin refuses to start
secrets=()            # files whose contents no message may show

watch() {
  local file
  for file; do watched[$file]=yes; done
}
fingerprint() { if [ ${#watched[@]} != 0 ]; then sha256sum -- "${!watched[@]}" 2>&1 || true; fi; }

# noise SIZE: that many random bytes on standard output; SIZE as head takes it.
noise() { head -c "$1" /dev/urandom; }

# make_volume NAME SIZE OPTION…: cryptsetup makes $tmp/NAME.header for $tmp/NAME.payload (SIZE
# random bytes), opened by the bytes in $tmp/NAME.secret.
make_volume() {
  local base=$tmp/$1 size=$2
  shift 2
  rm -f "$base.key" "$base.rawkey" # of an earlier one
  noise "$size" >"$base.payload"
  [ -e "$base.secret" ] || printf 'a secret of %s' "$(noise 12 | od -An -tx1 | tr -d ' \n')" >"$base.secret"
  chmod o= "$base.secret" # else there is a warning
  cryptsetup luksFormat --batch-mode --header "$base.header" --key-file "$base.secret" "$@" \
    "$base.payload"
  watch "$base.header" "$base.payload" "$base.secret"
  secrets+=("$base.secret")
}

# The least that cryptsetup allows: these tests are about formats, not about patience.
cheap_pbkdf2=(--pbkdf pbkdf2 --pbkdf-force-iterations 1000)
cheap_argon2=(--pbkdf-memory 1024 --pbkdf-force-iterations 4 --pbkdf-parallel 1)

# cheap_cryptsetup FOLDER: a cryptsetup in FOLDER whose luksFormat is cheap, for examples that say nothing
# about it.
cheap_cryptsetup() {
  cat >"$1/cryptsetup" <<EOF
#!/bin/bash
case " \$* " in *' luksFormat '*) set -- ${cheap_pbkdf2[*]} "\$@" ;; esac
exec $(command -v cryptsetup) "\$@"
EOF
  chmod +x "$1/cryptsetup"
}

# What the installed cryptsetup takes for --hash, of those that we know.
# shellcheck disable=SC2034  # for the tests
hashes=(sha1 sha224 sha256 sha384 sha512 ripemd160 whirlpool
  sha3-224 sha3-256 sha3-384 sha3-512 blake2b-512 blake2s-256)

# make_luks1 NAME SIZE [OPTION…]
make_luks1() { make_volume "$1" "$2" --type luks1 --pbkdf-force-iterations 1000 "${@:3}"; }

# make_luks2 NAME SIZE [OPTION…]: a small header; PBKDF2 unless an option says --pbkdf.
make_luks2() {
  local kdf=("${cheap_pbkdf2[@]}")
  case " ${*:3} " in *' --pbkdf '*) kdf=() ;; esac
  make_volume "$1" "$2" --type luks2 --luks2-metadata-size 16k --luks2-keyslots-size 4m \
    ${kdf[@]+"${kdf[@]}"} "${@:3}"
}

# volume_key NAME: cryptsetup's idea of the volume key into $tmp/NAME.key, in hex.
volume_key() {
  local base=$tmp/$1
  if [ ! -e "$base.key" ]; then
    cryptsetup luksDump --batch-mode --dump-volume-key --key-file "$base.secret" \
      --volume-key-file "$base.rawkey" "$base.header" >/dev/null
    od -An -v -tx1 "$base.rawkey" | tr -d ' \n' >"$base.key"
  fi
}

# decrypted NAME SECTOR_SIZE [OFFSET]: the plain bytes of $tmp/NAME.payload, by libgcrypt.
decrypted() {
  volume_key "$1"
  tail -c "+$((${3:-0} + 1))" "$tmp/$1.payload" |
    "$build/tests/tools/sector_xts" decrypt "$tmp/$1.key" "$2"
}

# encrypted NAME SECTOR_SIZE < plain: what belongs in $tmp/NAME.payload, by libgcrypt.
encrypted() {
  volume_key "$1"
  "$build/tests/tools/sector_xts" encrypt "$tmp/$1.key" "$2"
}

# parameters NAME: the plugin's parameters for a volume of make_volume, in the array of that name.
parameters() { parameters=("header=$tmp/$1.header" "payload=$tmp/$1.payload" "secret=$tmp/$1.secret"); }

# agree NAME SECTOR_SIZE: both ways, byte for byte. What a client writes through the plugin is what
# libgcrypt decrypts; what libgcrypt encrypts is what a client reads. The header stays as it was.
agree() {
  local base=$tmp/$1 header
  header=$(sha256sum <"$base.header")
  parameters "$1"
  noise "$(stat -c %s "$base.payload")" >"$base.plain"

  serve "${parameters[@]}"
  nbdcopy --flush "$base.plain" "$uri"
  stop "$server"
  decrypted "$1" "$2" >"$base.decrypted"
  same "$base.plain" "$base.decrypted"

  noise "$(stat -c %s "$base.payload")" >"$base.plain"
  encrypted "$1" "$2" <"$base.plain" >"$base.payload"
  serve "${parameters[@]}"
  nbdcopy "$uri" "$base.read"
  stop "$server"
  same "$base.plain" "$base.read"

  [ "$header" = "$(sha256sum <"$base.header")" ] || fail "the header of $1 was written"
}

# --- Refusals --------------------------------------------------------------------------------------

# refused REGEX ARG…: the plugin does not start with these arguments. It exits with 1, not by a
# signal; says why in exactly one line, which matches REGEX and shows no secret; leaves the watched
# files as they are, and no socket or pid file. The line is in $tmp/refused.err afterwards.
refused_mode=(-f)
refused() {
  local pattern=$1 status=0 before errors secret bytes
  local said=$tmp/refused.err socket=$tmp/refused.sock pid_file=$tmp/refused.pid
  shift
  before=$(fingerprint)
  timeout 60 "${nbdkit_under_test[@]}" ${refused_mode[@]+"${refused_mode[@]}"} -U "$socket" -P "$pid_file" "$plugin" "$@" \
    >"$tmp/refused.out" 2>"$said" || status=$?
  [ "$status" != 0 ] || fail "accepted, but should be refused for '$pattern': $*"
  [ "$status" != 124 ] || fail "serves or hangs, but should be refused for '$pattern': $*"
  [ "$status" = 1 ] || fail "status $status instead of 1: $*: $(cat "$said")"
  [ ! -s "$tmp/refused.out" ] || fail "standard output: $(cat "$tmp/refused.out")"

  # Warnings may come before the reason.
  grep -Eiv '^nbdkit: (.*: )?warning' "$said" >"$tmp/refused.errors" || true
  errors=$(grep -Ec '^nbdkit: (.*: )?error: .' "$tmp/refused.errors" || true)
  [ "$errors" = 1 ] && [ "$(wc -l <"$tmp/refused.errors")" = 1 ] ||
    fail "not exactly one error line: $*: $(cat "$said")"
  grep -Eiq -- "$pattern" "$tmp/refused.errors" ||
    fail "the message does not say '$pattern': $(cat "$tmp/refused.errors")"
  note "$(cat "$tmp/refused.errors")"

  for secret in ${secrets[@]+"${secrets[@]}"}; do
    bytes=$(tr -d '\0\n' <"$secret")
    if [ ${#bytes} -ge 4 ] && grep -Fq -- "$bytes" "$said"; then fail "the message shows the secret"; fi
  done
  [ "$before" = "$(fingerprint)" ] || fail "a header, payload or secret changed: $*"
  [ ! -e "$socket" ] || fail "left a socket behind: $*"
  [ ! -e "$pid_file" ] || fail "left a pid file behind: $*"
}
