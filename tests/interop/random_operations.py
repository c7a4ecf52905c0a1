"""random_operations.py [options] URI MODEL: reads, writes and zeroes at random places of a running
export over several connections at once, each read compared with a model of what must be there.
The model's bytes are left in the file MODEL, for a judge of what is on the storage.

Connections own the bytes between them in stripes that are no multiple of any sector, so that
they meet in nearly every sector without ever meaning the same byte.
"""

import argparse
import os
import random
import sys
import threading

import nbd

STRIPE = 3001


def pieces(offset, length, worker, workers):
    """The parts of [offset, offset + length) that belong to the worker."""
    end = offset + length
    while offset < end:
        stripe = offset // STRIPE
        stripe_end = min(end, (stripe + 1) * STRIPE)
        if stripe % workers == worker:
            yield offset, stripe_end - offset
        offset = stripe_end


def work(uri, model, worker, arguments, failures):
    choose = random.Random(f"{arguments.seed}:{worker}")
    connection = nbd.NBD()
    connection.connect_uri(uri)
    try:
        for _ in range(arguments.operations):
            # Small requests are the interesting ones; large ones cross many pieces.
            length = choose.choice([1, 5, 511, 512, 513, 4096, choose.randint(1, arguments.largest)])
            length = min(length, len(model))
            offset = choose.randint(0, len(model) - length)
            kind = choose.choice(["read", "write", "write", "zero", "flush"])
            if kind == "flush":
                connection.flush()
            elif kind == "read":
                found = connection.pread(length, offset)
                for at, size in pieces(offset, length, worker, arguments.connections):
                    if found[at - offset : at - offset + size] != model[at : at + size]:
                        failures.append(f"connection {worker}: wrong bytes at {at}+{size}")
                        return
            else:
                flags = nbd.CMD_FLAG_FUA if choose.random() < 0.1 else 0
                for at, size in pieces(offset, length, worker, arguments.connections):
                    if kind == "zero":
                        connection.zero(size, at, flags)
                        model[at : at + size] = bytes(size)
                    else:
                        data = choose.randbytes(size)
                        connection.pwrite(data, at, flags)
                        model[at : at + size] = data
        connection.flush()
        connection.shutdown()
    except nbd.Error as error:
        failures.append(f"connection {worker}: {error}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plain", required=True, help="file with the bytes that the export holds")
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--operations", type=int, default=300, help="of each connection")
    parser.add_argument("--largest", type=int, default=100000)
    parser.add_argument("--seed", default=os.urandom(4).hex())
    parser.add_argument("uri")
    parser.add_argument("model")
    arguments = parser.parse_args()
    print("seed", arguments.seed, flush=True)

    with open(arguments.plain, "rb") as file:
        model = bytearray(file.read())
    failures = []
    workers = [
        threading.Thread(target=work, args=(arguments.uri, model, worker, arguments, failures))
        for worker in range(arguments.connections)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    connection = nbd.NBD()
    connection.connect_uri(arguments.uri)
    if connection.get_size() != len(model):
        failures.append(f"size {connection.get_size()} instead of {len(model)}")
    for offset in range(0, len(model), 1 << 20):
        length = min(1 << 20, len(model) - offset)
        if connection.pread(length, offset) != model[offset : offset + length]:
            failures.append(f"at the end: wrong bytes in {offset}+{length}")
    connection.shutdown()
    with open(arguments.model, "wb") as file:
        file.write(model)
    for failure in failures:
        print("FAIL:", failure, file=sys.stderr)
    return 1 if failures else 0


sys.exit(main())
