#!/bin/bash
# run.sh BUILD TARGET: fuzzes for FUZZ_SECONDS (20), from the corpus of earlier runs in BUILD/corpus and
# fresh seeds. Fails on a finding, which is then in BUILD/findings; also when it hardly ran at all.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
build=$1 target=$2
corpus=$build/corpus/$target
findings=$build/findings/
mkdir -p "$corpus" "$findings"
"$build/tests/fuzz/make_seeds" "$build/seeds"
dictionary=$here/$target.dict
[ -e "$dictionary" ] || dictionary=$here/luks2.dict
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# No input may take more memory than the largest header and a small derivation, or more than 10 s.
"$build/tests/fuzz/${target}_fuzz" -max_total_time="${FUZZ_SECONDS:-20}" -timeout=10 \
  -rss_limit_mb=1024 -malloc_limit_mb=256 -max_len=16384 -print_final_stats=1 \
  -dict="$dictionary" -artifact_prefix="$findings$target-" "$corpus" "$build/seeds/$target" >"$log" 2>&1 || {
  tail -n 60 "$log"
  exit 1
}
grep -E '^stat::(number_of_executed_units|average_exec_per_sec|new_units_added|peak_rss_mb)' "$log"
runs=$(awk '/^stat::number_of_executed_units/ { print $2 }' "$log")
[ "$runs" -ge 500 ] || {
  echo "only $runs inputs"
  exit 1
}
