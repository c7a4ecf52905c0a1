"""stripping_proxy.py PORT SERVER: passes bytes between NBD clients of 127.0.0.1:PORT and the server at
127.0.0.1:SERVER, but when a client asks for TLS (NBD_OPT_STARTTLS), it answers itself that there is none.
Says "ready" and each "stripped" on standard output.
"""

import socket
import struct
import sys
import threading

port, server_port = map(int, sys.argv[1:])
STARTTLS = b"IHAVEOPT" + struct.pack(">II", 5, 0)
UNSUPPORTED = struct.pack(">QIII", 0x3E889045565A9, 5, (1 << 31) + 1, 0)


def pass_on(source, target, answer=None):
    try:
        while data := source.recv(65536):
            if answer and STARTTLS in data:
                print("stripped", flush=True)
                data = data.replace(STARTTLS, b"")
                source.sendall(UNSUPPORTED)
            target.sendall(data)
    except OSError:
        pass
    for end in source, target:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


with socket.create_server(("127.0.0.1", port)) as listener:
    print("ready", flush=True)
    while True:
        client, _ = listener.accept()
        server = socket.create_connection(("127.0.0.1", server_port))
        threading.Thread(target=pass_on, args=(client, server, True), daemon=True).start()
        threading.Thread(target=pass_on, args=(server, client), daemon=True).start()
