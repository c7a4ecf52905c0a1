#!/bin/bash
# A service that requires TLS serves nobody without it: not a client that does not begin it, whichever
# option it asks with, nor one that somebody in the middle made believe that there is none. And a client
# that wants TLS is not served without by such a one.
. "$(dirname -- "$0")/lib.sh"
. "$here/tls.sh"
. "$here/service.sh"
. "$here/service_tls.sh"

tls_service "${require_certificates[@]}"
note "does not begin it"
turned_away "$(in_plain_text)"
matches 'requires TLS|not supported' "$tmp/failure.out"
matches 'audit event=connect peer=tcp address=127.0.0.1 port=[0-9]+ tls=none' "$log"
if grep 'event=open' "$log"; then fail "it was served"; fi
with_raw_nbd "$port" <<'END'
import socket, struct, sys
import raw_nbd

for option in range(1, 12):
    if option in (raw_nbd.OPT_ABORT, 5):  # 5: STARTTLS
        continue
    server = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=30)
    server.recv(18, socket.MSG_WAITALL)
    data = struct.pack(">IH", 0, 0) if option in (raw_nbd.OPT_INFO, raw_nbd.OPT_GO) else b""
    server.sendall(struct.pack(">I", 3) + b"IHAVEOPT" + struct.pack(">II", option, len(data)) + data)
    server.shutdown(socket.SHUT_WR)
    reply = server.recv(1024, socket.MSG_WAITALL)
    # EXPORT_NAME has no reply for errors but the end.
    if option == raw_nbd.OPT_EXPORT_NAME:
        assert reply == b"", reply
        continue
    kind = struct.unpack(">I", reply[12:16])[0]
    assert kind == (1 << 31) + 5, f"option {option}: reply {kind:#x} is not ERR_TLS_REQD"
    assert b"vm1" not in reply
END

note "somebody in the middle says that there is no TLS"
direct=$port
port=$(free_port 127.0.0.1)
/usr/bin/python3 "$here/stripping_proxy.py" "$port" "$direct" >"$tmp/proxy.log" 2>&1 &
defer stop_quietly $!
eventually grep -q ready "$tmp/proxy.log"
turned_away "$(by_certificate client)"
matches 'tls' "$tmp/failure.out"
matches 'stripped' "$tmp/proxy.log"
note "and the client would do without"
expect_failure /usr/bin/python3 -m nbd -c "certificates, port = '$tmp/client', '$port'" -c - <<'END'
h.set_tls(nbd.TLS_ALLOW)
h.set_tls_certificates(certificates)
h.set_export_name("vm1")
h.connect_tcp("127.0.0.1", port)
END
matches 'requires TLS' "$tmp/failure.out"

note "with TLS, and nobody in the middle"
port=$direct
let_in "$(by_certificate client)"
ends_within_a_second
