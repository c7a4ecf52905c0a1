# Real servers for sources that are not files, as the test's own processes. Sourced after lib.sh and
# tls.sh. They end with the test, also when it is killed.
# shellcheck shell=bash disable=SC2154  # variables of lib.sh

# in_background LOG COMMAND…: sets $server.
in_background() {
  local said=$1
  shift
  setpriv --pdeathsig TERM "$@" </dev/null >>"$said" 2>&1 &
  server=$!
  defer stop_quietly "$server"
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1"); }

# A password as a server stores it.
password_hash() { perl -e 'print crypt($ARGV[0], "\$6\$salt\$")' "$1"; }

unguessable() { noise 12 | od -An -tx1 | tr -d ' \n'; }

# --- HTTP ------------------------------------------------------------------------------------------

# web_server: nginx, for the files in $tmp/web: $http and, with a certificate of the authority "ca",
# $https, both without a path. Below locked/ it asks for the user alice and $password, below slow/ it
# sends 16 KiB a second, below without-ranges/ only whole files; to-a-file and
# to-plain send clients on, to a file of their own and to http. $requests has a line for each request:
# METHOD PATH STATUS BYTES RANGE.
web_server() {
  local dir=$tmp/nginx port tls_port
  mkdir -p "$dir" "$tmp/web"
  [ -e "$tmp/ca/key.pem" ] || authority ca
  certificate ca nginx/tls server 'dns_name = localhost' 'ip_address = 127.0.0.1'
  password=${password:-$(unguessable)}
  printf 'alice:%s\n' "$(password_hash "$password")" >"$dir/users"
  port=$(free_port 127.0.0.1)
  tls_port=$(free_port 127.0.0.1)
  requests=$dir/requests
  cat >"$dir/nginx.conf" <<END
daemon off;
master_process off; # then files are read as the user of the test
pid $dir/pid;
error_log stderr;
events {}
http {
  log_format range '\$request_method \$uri \$status \$body_bytes_sent \$http_range';
  access_log $requests range;
  client_body_temp_path $dir/body;
  proxy_temp_path $dir/proxy;
  fastcgi_temp_path $dir/fastcgi;
  uwsgi_temp_path $dir/uwsgi;
  scgi_temp_path $dir/scgi;
  server {
    listen 127.0.0.1:$port;
    listen 127.0.0.1:$tls_port ssl;
    ssl_certificate $dir/tls/server-cert.pem;
    ssl_certificate_key $dir/tls/server-key.pem;
    root $tmp/web;
    location /locked/ {
      alias $tmp/web/;
      auth_basic door;
      auth_basic_user_file $dir/users;
    }
    location /slow/ {
      alias $tmp/web/;
      limit_rate 16k;
    }
    location /without-ranges/ {
      alias $tmp/web/;
      max_ranges 0;
    }
    location /to-a-file { return 302 file://$tmp/web/header; }
    location /to-plain { return 302 http://127.0.0.1:$port/header; }
  }
}
END
  http=http://127.0.0.1:$port
  https=https://127.0.0.1:$tls_port
  web_server_comes
}

# web_server_comes: as web_server has set it up, also once more after its $nginx was ended.
web_server_comes() {
  in_background "$tmp/nginx.log" nginx -p "$tmp/nginx/" -e stderr -c "$tmp/nginx/nginx.conf"
  nginx=$server
  eventually listens "${http##*:}"
}

# trust_web_server: https:// trusts the authorities of the machine, and in the mount namespace of
# nbdkit_under_test from here on that is the test's own. False where there are no user namespaces.
trust_web_server() {
  local authorities=$tmp/authorities namespace
  mkdir "$authorities"
  cp "$tmp/ca/ca-cert.pem" "$authorities/ca-certificates.crt"
  namespace=(unshare --map-root-user --mount
    sh -c 'mount --bind "$0" /etc/ssl/certs && exec "$@"' "$authorities")
  "${namespace[@]}" true 2>/dev/null || return 1
  nbdkit_under_test=("${namespace[@]}" "${nbdkit_under_test[@]}")
}

# --- SSH -------------------------------------------------------------------------------------------

# ssh_server [LINE…]: sshd, for SFTP alone, with LINEs in its configuration first. Its one user is
# alice, with the test's own rights, with a key or $password. Sets $ssh (alice@HOST:PORT), $ssh_keys
# (the query of a URI: the key of alice and of the host) and $known_hosts.
ssh_server() {
  local dir port group line
  servers=$((servers + 1))
  dir=$tmp/sshd$servers
  mkdir "$dir"
  port=$(free_port 127.0.0.1)
  ssh-keygen -q -t ed25519 -N '' -C '' -f "$dir/host"
  ssh-keygen -q -t ed25519 -N '' -C '' -f "$dir/identity"
  known_hosts=$dir/known_hosts
  printf '[127.0.0.1]:%s %s\n' "$port" "$(cat "$dir/host.pub")" >"$known_hosts"
  password=${password:-$(unguessable)}

  # The machine's own users stay out of it: nss_wrapper shows sshd these instead.
  printf 'alice:x:%s:%s::%s:/bin/sh\nsshd:x:65534:65534::/:/bin/false\n' \
    "$(id -u)" "$(id -g)" "$dir" >"$dir/passwd"
  printf 'alice:%s:19000:0:99999:7:::\n' "$(password_hash "$password")" >"$dir/shadow"
  printf 'alice:x:%s:\nnogroup:x:65534:\n' "$(id -g)" >"$dir/group"
  # Where root's sshd goes before anybody has logged in; a running ssh.service has it too.
  if [ "$(id -u)" = 0 ]; then install -d -m 755 /run/sshd; fi
  {
    [ $# = 0 ] || printf '%s\n' "$@"
    cat <<END
ListenAddress 127.0.0.1:$port
HostKey $dir/host
AuthorizedKeysFile $dir/identity.pub
StrictModes no
UsePAM no
PermitRootLogin yes
Subsystem sftp internal-sftp
ForceCommand internal-sftp
PidFile none
LogLevel VERBOSE
END
  } >"$dir/config"
  # OpenSSH 9.8 and newer turn away for a while who did not log in.
  if sshd -t -f "$dir/config" -o PerSourcePenalties=no 2>/dev/null; then
    echo 'PerSourcePenalties no' >>"$dir/config"
  fi
  ssh=alice@127.0.0.1:$port
  ssh_keys="identity=$dir/identity&known-hosts=$known_hosts"
  ssh_server_comes "$dir"
}

# ssh_server_comes [DIR]: as ssh_server has set it up, also once more after $sshd was ended. With
# $fault, the rules of faulty_io.c, for the file $faulty_file.
ssh_server_comes() {
  sshd_dir=${1:-$sshd_dir}
  in_background "$sshd_dir.log" \
    env "LD_PRELOAD=libnss_wrapper.so${faulty_file:+:$build/tests/tools/faulty_io.so}" \
    "FAULTY_IO_FILE=${faulty_file:-}" "FAULTY_IO_RULES=${fault:-}" \
    "NSS_WRAPPER_PASSWD=$sshd_dir/passwd" "NSS_WRAPPER_SHADOW=$sshd_dir/shadow" \
    "NSS_WRAPPER_GROUP=$sshd_dir/group" "$(command -v sshd)" -D -e -f "$sshd_dir/config"
  sshd=$server
  eventually listens "${ssh##*:}"
}

# below PROCESS: all processes that it started, and those that they started.
below() {
  local child
  for child in $(pgrep -P "$1"); do
    below "$child"
    printf '%s\n' "$child"
  done
}

# --- vsock -----------------------------------------------------------------------------------------

# vsock_connects PORT: by the loopback address of vsock, which a kernel may lack.
vsock_connects() {
  timeout 10 /usr/bin/python3 - "$1" <<'END'
import socket, sys
with socket.socket(socket.AF_VSOCK) as client:
    client.connect((1, int(sys.argv[1])))
END
}

# serve_vsock ARG…: an nbdkit plugin for vsock. Sets $uri; false where the kernel has no loopback.
serve_vsock() {
  servers=$((servers + 1))
  port=$((0x4c000000 + $$ * 16 + servers)) # nobody gives out a free one
  uri=nbd+vsock://1:$port/
  start nbdkit --vsock -p "$port" "$@"
  vsock_connects "$port" 2>/dev/null
}

# --- QEMU ------------------------------------------------------------------------------------------

# serve_qemu_nbd FORMAT FILE: sets $uri.
serve_qemu_nbd() {
  servers=$((servers + 1))
  socket=$tmp/server$servers.sock
  in_background "$tmp/server$servers.log" qemu-nbd -t -e 8 -k "$socket" -f "$1" "$2"
  uri="nbd+unix:///?socket=$socket"
  eventually nbdinfo --size "$uri"
}

# --- Refusals --------------------------------------------------------------------------------------

# refused_source REGEX SOURCE: as a header and as a payload of the volume v. As `refused`, but what
# a child of ours said may stand before our own line, which is the last.
refused_source() {
  refused_with "$1" "header=$2" "payload=$tmp/v.payload"
  refused_with "$1" "header=$tmp/v.header" "payload=$2"
}

refused_with() {
  local pattern=$1 status=0
  shift
  timeout 60 "${nbdkit_under_test[@]}" -f -U "$tmp/refused.sock" "$plugin" "$@" \
    "secret=$tmp/v.secret" >"$tmp/refused.err" 2>&1 </dev/null || status=$?
  [ "$status" = 1 ] || fail "status $status instead of 1: $*: $(cat "$tmp/refused.err")"
  tail -n 1 "$tmp/refused.err" >"$tmp/refused.errors"
  note "$(cat "$tmp/refused.errors")"
  grep -Eiq -- "^nbdkit: (.*: )?error: .*($pattern)" "$tmp/refused.errors" ||
    fail "the last line does not say '$pattern': $(cat "$tmp/refused.err")"
}
