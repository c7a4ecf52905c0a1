#!/bin/bash
# Kill -9 at every system call by which detach and attach write: at every moment the volume opens, with the
# header that it has or with the one that was made; no byte of the data changes; the same command completes it.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"
. "$here/copy.sh"
. "$here/ordinary.sh"

make_ordinary_luks1 v
cryptsetup luksHeaderBackup --header-backup-file "$tmp/v.backup" "$tmp/v.volume"
end=$(stat -c %s "$tmp/v.backup")
chmod 600 "$tmp/v.backup"

# killed NAME CALL…: $command at each of the calls. begin_NAME comes before, look_NAME after it, and done_NAME
# when it was given again.
killed() {
  local name=$1 call number count=0
  shift
  for call; do
    for ((number = 1; ; number++)); do
      "begin_$name"
      killed_at "$call" $number "${command[@]}" || break
      count=$((count + 1))
      "look_$name"
      exits 0 "${command[@]}"
      "done_$name"
    done
    [ "$number" -gt 1 ] || fail "no $call"
  done
  note "$name: killed at each of $count calls"
}
fresh() { cp --sparse=never "$tmp/v.original" "$tmp/v.volume" && rm -f "$tmp"/{.,}v.{header,payload}* "$tmp"/{.,}again*; }
same_data() { cmp "$tmp/v.volume" "$tmp/v.original" -i "$offset" || fail "the data changed"; }
is_header() { [ -e "$tmp/v.header" ] && same "$tmp/v.header" "$tmp/v.backup"; }

begin_in_place() { fresh; }
look_in_place() {
  same_data
  cmp -s "$tmp/v.volume" "$tmp/v.original" || is_header || fail "nothing opens it"
}
done_in_place() {
  same_data
  is_header
  cmp -n "$end" "$tmp/v.volume" /dev/zero
}
command=("$program" detach "$tmp/v.volume" --header "$tmp/v.header" --secret "$tmp/v.secret" --wipe-header)
killed in_place pwrite64,pwritev2 fsync fdatasync renameat2

begin_moving() { fresh; }
look_moving() {
  cmp "$tmp/v.volume" "$tmp/v.original" || fail "the volume changed"
  [ ! -e "$tmp/v.header" ] || done_moving
}
done_moving() {
  rm -f "$tmp/v.key" "$tmp/v.rawkey"
  opens "$tmp/v.header" "$tmp/v.secret"
  decrypted v 512 | same "$tmp/v.plain" /dev/stdin
}
command=("$program" detach "$tmp/v.volume" --header "$tmp/v.header" --payload "$tmp/v.payload" --secret "$tmp/v.secret")
killed moving ftruncate pwrite64,pwritev2 fsync fdatasync renameat2

begin_attaching() {
  fresh
  cp "$tmp/v.backup" "$tmp/v.header"
  head -c "$end" /dev/zero | dd of="$tmp/v.volume" conv=notrunc status=none
}
look_attaching() {
  same_data
  is_header
}
done_attaching() { cmp "$tmp/v.volume" "$tmp/v.original"; }
command=("$program" attach --header "$tmp/v.header" --payload "$tmp/v.volume" "$tmp/v.volume")
killed attaching pwrite64,pwritev2 fdatasync

note "attach into a new volume: it is there as a whole, or not at all"
fresh
"$program" detach "$tmp/v.volume" --header "$tmp/v.header" --payload "$tmp/v.payload" --secret "$tmp/v.secret" >/dev/null
command=("$program" attach --header "$tmp/v.header" --payload "$tmp/v.payload" "$tmp/again")
for call in ftruncate pwrite64,pwritev2 fsync fdatasync renameat2; do
  for ((number = 1; ; number++)); do
    rm -f "$tmp"/again*
    killed_at "$call" $number "${command[@]}" || break
    if [ -e "$tmp/again" ]; then exits 4 "${command[@]}"; else exits 0 "${command[@]}"; fi
    is_ordinary "$tmp/again" v
  done
  [ "$number" -gt 1 ] || fail "no $call"
done
nothing_unfinished
