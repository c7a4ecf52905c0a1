"""cutting_proxy.py LISTEN CONNECT RULES: passes bytes between NBD clients of the unix socket LISTEN and
the server at the unix socket CONNECT, and cuts connections, each at a byte of its own choice.

RULES is a file read for each connection: the numbers FEWEST MOST, in bytes. Between so many bytes in
one direction, drawn anew for each, a connection is cut: the client's end is closed at once; what was
passed to the server has been passed, and it may take its time with it. An empty file: no cuts.
Says each cut on standard output.
"""

import random
import socket
import sys
import threading

listen, connect, rules = sys.argv[1:]


def pass_on(source, target, limit, both):
    passed = 0
    try:
        while limit is None or passed < limit:
            size = 65536 if limit is None else min(65536, limit - passed)
            data = source.recv(size)
            if not data:
                break
            target.sendall(data)
            passed += len(data)
    except OSError:
        pass
    if passed == limit:
        print(f"cut after {passed} bytes", flush=True)
    for end in both:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(client):
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(connect)
    except OSError:
        client.close()
        return
    with open(rules, encoding="ascii") as file:
        bounds = [int(word) for word in file.read().split()]
    limits = [random.randint(*bounds), None] if bounds else [None, None]
    random.shuffle(limits)
    both = (client, server)
    threads = [
        threading.Thread(target=pass_on, args=(client, server, limits[0], both), daemon=True),
        threading.Thread(target=pass_on, args=(server, client, limits[1], both), daemon=True),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.close()
    server.close()


listener = socket.socket(socket.AF_UNIX)
listener.bind(listen)
listener.listen(64)
while True:
    stream, _ = listener.accept()
    threading.Thread(target=serve, args=(stream,), daemon=True).start()
