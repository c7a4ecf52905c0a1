"""cutting_proxy.py LISTEN CONNECT FIRST MOST: passes bytes between NBD clients of the unix socket LISTEN and
the server at the unix socket CONNECT, and cuts each connection when a number of bytes has passed in one
of the directions: MOST at most, drawn anew each time, of any order of magnitude; for the first four
connections between FIRST and twice that. The client finds itself cut off; what was passed to the server
has been passed, and it may take its time with it.
Says each cut on standard output.
"""

import math
import random
import socket
import sys
import threading

listen, connect = sys.argv[1:3]
first, most = map(int, sys.argv[3:])


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


def serve(client, least, most):
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(connect)
    except OSError:
        client.close()
        return
    limits = [int(math.exp(random.uniform(math.log(least), math.log(most)))), None]
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
count = 0
while True:
    stream, _ = listener.accept()
    count += 1
    limits = (first, 2 * first) if count <= 4 else (1, most)
    threading.Thread(target=serve, args=(stream, *limits), daemon=True).start()
