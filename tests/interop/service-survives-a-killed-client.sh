#!/bin/bash
# A client that dies with answers under way takes no other client and no other export with it.
. "$(dirname -- "$0")/lib.sh"
. "$here/service.sh"

make_luks2 vm1 16M
make_luks2 vm2 256K
service_config < <(
  export_table vm1 vm1
  export_table vm2 vm2
)
start_service
settled
/usr/bin/python3 - "$(uri_of vm1)" "$(uri_of vm2)" <<'END'
import os, sys, nbd
other = nbd.NBD()
other.connect_uri(sys.argv[2])
for _ in range(20):
    client = os.fork()
    if client == 0:
        h = nbd.NBD()
        h.connect_uri(sys.argv[1])
        for n in range(8):
            h.aio_pread(nbd.Buffer(1000001), n * 1001)
        os._exit(0)
    os.waitpid(client, 0)
    assert len(other.pread(4096, 0)) == 4096
END
exits 0 "$program" healthcheck --ready "$config"
ends_within_a_second
