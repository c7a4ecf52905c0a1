# Power cuts during commands that write; sourced after lib.sh, service.sh and edit.sh.
# shellcheck shell=bash disable=SC2154  # tmp and others come from lib.sh

disk=$tmp/disk # what the commands change
state=$tmp/state # what a power cut has left of it

# power_cuts NAME [EVERY]: $command changes files in $disk. look_NAME looks at $state for each state that a power cut
# can leave, of which $cut says which; again_NAME, for each EVERYth of them, after the same command given again.
power_cuts() {
  local name=$1 every=${2:-0} from to python count=0
  coproc { exec /usr/bin/python3 "$here/power_cut_states.py" "$disk" "$state" "${without_leak_check[@]}" "${command[@]}" 2>"$tmp/states.err"; }
  python=$COPROC_PID from=${COPROC[0]} to=${COPROC[1]}
  while read -r cut <&"$from"; do
    case $cut in done\ *) break ;; esac
    count=$((count + 1))
    "look_$name"
    if [ "$every" != 0 ] && [ $((count % every)) = 0 ]; then "again_$name"; fi
    echo >&"$to"
  done
  wait "$python" || fail "$(cat "$tmp/states.err")"
  note "$name: $count states"
}

# again [STATUS]: the same command in $state.
again() { exits "${1:-0}" "${command[@]//$disk/$state}"; }

# lost WHAT: fails with the state.
lost() { fail "a power cut $cut: $*"; }

# cut_opens HEADER SECRET: says cryptsetup.
cut_opens() { cryptsetup open --test-passphrase --header "$1" --key-file "$2" "$1" 2>/dev/null; }
