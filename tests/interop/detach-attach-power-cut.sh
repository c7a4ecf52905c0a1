#!/bin/bash
# After a power cut at any moment of detach or attach the volume opens, with the header that it has or with the one
# that was made; no byte of the data is lost; the same command completes it.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"
. "$here/edit.sh"
. "$here/copy.sh"
. "$here/ordinary.sh"
. "$here/power_cut.sh"

mkdir -p "$disk/headers" # a folder of its own is flushed by itself
secret=$tmp/v.secret
header=$disk/headers/header
same_data() { cmp -s "$state/volume" "$tmp/v.original" -i "$offset" || lost "the data changed"; }
has_header() { cmp -s "$state/headers/header" "$1"; }

look_in_place() {
  same_data
  has_header "$tmp/v.backup" || cmp -s "$state/volume" "$tmp/v.original" || lost "nothing opens it"
}
again_in_place() {
  again
  look_in_place
  cmp -n "$end" "$state/volume" /dev/zero || lost "a part of the old header is left"
}

look_attaching() {
  same_data
  has_header "$tmp/v.backup" || lost "the header is gone"
}
again_attaching() {
  again
  same "$state/volume" "$tmp/v.original"
}

has_header_elsewhere() { cmp -s -n "$end" "$state/place" "$tmp/v.backup"; }
look_elsewhere() {
  same_data
  has_header_elsewhere || cmp -s "$state/volume" "$tmp/v.original" || lost "nothing opens it"
}
again_elsewhere() {
  again
  has_header_elsewhere || lost "the header is not there"
  cmp -n "$end" "$state/volume" /dev/zero || lost "a part of the old header is left"
}

look_moving() {
  cmp -s "$state/volume" "$tmp/v.original" || lost "the volume changed"
  [ ! -e "$state/headers/header" ] || is_moved
}
again_moving() {
  again
  is_moved
}
is_moved() {
  cut_opens "$state/headers/header" "$secret" || lost "the new header does not open"
  cmp -s "$state/payload" "$tmp/v.original" -i "0:$offset" || lost "the payload does not have the data"
}

look_anew() {
  cmp -s "$state/payload" "$tmp/payload" && has_header "$tmp/header" || lost "header or payload have changed"
  [ ! -e "$state/again" ] || is_ordinary "$state/again" v
}
again_anew() {
  local status=0
  [ ! -e "$state/again" ] || status=4
  again $status
  is_ordinary "$state/again" v
}

for version in 1 2; do
  note "LUKS$version"
  "make_ordinary_luks$version" v
  rm -f "$tmp/v.backup" "$header"
  cryptsetup luksHeaderBackup --header-backup-file "$tmp/v.backup" "$tmp/v.volume"
  chmod 600 "$tmp/v.backup"
  end=$(stat -c %s "$tmp/v.backup")
  cp "$tmp/v.original" "$disk/volume"
  command=("$program" detach "$disk/volume" --header "$header" --secret "$secret" --wipe-header)
  power_cuts in_place 5
  command=("$program" attach --header "$header" --payload "$disk/volume" "$disk/volume")
  power_cuts attaching 5
done

note "a header that a server has"
rm "$header"
truncate -s 5M "$disk/place"
command=("$program" detach "$disk/volume" --header "nbdkit:file?file=$disk/place" --secret "$secret" --wipe-header)
power_cuts elsewhere 10

note "into new files"
rm "$disk/place"
cp "$tmp/v.original" "$disk/volume"
command=("$program" detach "$disk/volume" --header "$header" --payload "$disk/payload" --secret "$secret")
power_cuts moving 10
rm "$disk/volume"
cp "$disk/payload" "$header" "$tmp"
command=("$program" attach --header "$header" --payload "$disk/payload" "$disk/again")
power_cuts anew 10
