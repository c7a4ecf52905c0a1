#!/usr/bin/python3
"""A client of several connections, each with many requests of all kinds of sizes in flight.

  busy_client.py URI BUSY ATTACHED

It says "at work", reads and writes while the file BUSY is there, then says "at rest" and stays
attached, without a request, while ATTACHED is there.
"""
import pathlib
import random
import sys
import time

import nbd

CONNECTIONS = 2
IN_FLIGHT = 16  # as many as nbdkit has threads for a connection
LARGEST = 16384


def one_round(client, size, buffers):
    cookies = []
    for number, buffer in enumerate(buffers):
        offset = random.randrange(size - LARGEST)
        if number % 3:  # of one page at its place, or with edges inside of sectors
            offset = offset // 4096 * 4096
        send = client.aio_pread if number % 2 else client.aio_pwrite
        cookies.append(send(buffer, offset))
    return cookies


def main(uri, busy, attached):
    clients = [nbd.NBD() for _ in range(CONNECTIONS)]
    for client in clients:
        client.connect_uri(uri)
    size = clients[0].get_size()
    sizes = [4096, 5000, LARGEST, 512]
    buffers = [nbd.Buffer.from_bytearray(bytearray(random.randbytes(sizes[n % len(sizes)])))
               for n in range(IN_FLIGHT)]
    print("at work", flush=True)
    while True:
        pending = [(client, one_round(client, size, buffers)) for client in clients]
        for client, cookies in pending:
            while cookies := [one for one in cookies if not client.aio_command_completed(one)]:
                client.poll(-1)
        if not busy.exists():
            break
    print("at rest", flush=True)
    while attached.exists():
        time.sleep(0.05)
    for client in clients:
        client.shutdown()


main(sys.argv[1], *map(pathlib.Path, sys.argv[2:]))
