# What the Ceph tests share; sourced after the interop tests' lib.sh. A cluster on the loopback address:
# one monitor, three OSDs that hold everything in memory, and the pool "rbd", of which each OSD has a
# copy. No manager, which RBD does not need, and no authentication. The daemons are processes of the
# test, of whatever user, and die with it.
# shellcheck shell=bash disable=SC2154  # tmp and others come from lib.sh

command -v ceph-osd >/dev/null || fail "no ceph-osd (tests/dev/install-packages slow)"
ceph_home=$tmp/ceph
osds=(0 1 2)
declare -A daemons=() # processes, by names like osd.0

# Without this a client looks in /etc/ceph, where a machine may have a cluster of its own.
export CEPH_CONF=$ceph_home/ceph.conf

# ceph_conf FSID MONITOR
ceph_conf() {
  cat <<END
[global]
fsid = $1
mon_host = $2
public_network = 127.0.0.0/8
public_addr = 127.0.0.1
ms_bind_ipv6 = false
ms_bind_msgr1 = false
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
keyring = $ceph_home/keyring
run_dir = $ceph_home
# Every OSD has a copy, and the last one would do.
osd_pool_default_size = ${#osds[@]}
osd_pool_default_min_size = 1
osd_crush_chooseleaf_type = 0
# An OSD is down when one other misses it for so many seconds.
osd_heartbeat_interval = 1
osd_heartbeat_grace = 4
mon_osd_min_down_reporters = 1
mon_osd_adjust_heartbeat_grace = false
mon_osd_adjust_down_out_interval = false
[client]
# What is not flushed stays with the client for a second, so that a flush that is left out is seen.
rbd_cache_policy = writeback
[mon]
log_file = $ceph_home/\$name.log
mon_data = $ceph_home/mon
mon_data_avail_crit = 1 # percent of the disk, which is not ours
[osd]
log_file = $ceph_home/\$name.log
osd_data = $ceph_home/osd\$id
osd_objectstore = memstore
# A client that is gone for so many seconds does not keep an image's lock from others.
osd_client_watch_timeout = 5
END
}

# start_daemon TYPE ID: it dies with this process, even when that is killed.
start_daemon() {
  setpriv --pdeathsig KILL "ceph-$1" -f -i "$2" </dev/null >"$tmp/$1.$2.log" 2>&1 &
  daemons[$1.$2]=$!
}

kill_daemon() {
  kill -KILL "${daemons[$1]}" || fail "$1 is gone already: $(cat "$tmp/$1.log")"
  wait "${daemons[$1]}" 2>/dev/null || true
  unset "daemons[$1]"
}

kill_daemons() {
  local name
  for name in "${!daemons[@]}"; do kill_daemon "$name"; done
}

# osds_up NUMBER: so many, as the monitor sees it.
osds_up() { [ "$(timeout 10 ceph osd stat -f json | jq .num_up_osds)" = "$1" ]; }

start_cluster() {
  local fsid monitor id uuid
  fsid=$(cat /proc/sys/kernel/random/uuid)
  monitor=[v2:127.0.0.1:$(free_port 127.0.0.1)]
  mkdir "$ceph_home"
  ceph_conf "$fsid" "$monitor" >"$CEPH_CONF"
  defer kill_daemons

  monmaptool --create --fsid "$fsid" --addv a "$monitor" "$ceph_home/monmap" >"$tmp/monmaptool.log"
  ceph-mon -i a --mkfs --monmap "$ceph_home/monmap"
  start_daemon mon a
  for id in "${osds[@]}"; do
    uuid=$(cat /proc/sys/kernel/random/uuid)
    mkdir "$ceph_home/osd$id"
    timeout 60 ceph osd new "$uuid" "$id" >"$tmp/osd-new.log"
    ceph-osd -i "$id" --mkfs --osd-uuid "$uuid" >"$tmp/osd-mkfs.log" 2>&1
    start_daemon osd "$id"
  done
  eventually osds_up ${#osds[@]}
  timeout 60 ceph osd pool create rbd 16 >"$tmp/pool.log" 2>&1
  timeout 60 rbd pool init rbd
}

# make_image NAME VOLUME: of what $tmp/VOLUME.payload holds.
make_image() { timeout 60 rbd import --no-progress "$tmp/$2.payload" "$1"; }

# as_image NAME VOLUME PLAIN: the image, decrypted by libgcrypt, is $tmp/PLAIN.
as_image() {
  rm "$tmp/$2.payload"
  timeout 60 rbd export --no-progress "$1" "$tmp/$2.payload"
  decrypted "$2" 4096 >"$tmp/decrypted"
  same "$tmp/$3" "$tmp/decrypted"
}
