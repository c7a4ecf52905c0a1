"""nbd_starttls.py PORT FOLDER [VERSION]: greets the NBD server at 127.0.0.1:PORT, asks for TLS, and does
the handshake with the client's certificate in FOLDER; VERSION (TLSv1, TLSv1_1, TLSv1_2, TLSv1_3) is the
only one that it offers. Then it asks for the list of exports.
Prints the version that was agreed on; ends with status 1 and the reason if there was no agreement.
"""

import socket
import ssl
import struct
import sys

port, folder = int(sys.argv[1]), sys.argv[2]
OPT_LIST, OPT_STARTTLS, REP_ACK, REP_SERVER = 3, 5, 1, 2


def receive(connection, size):
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            sys.exit("the server has ended the connection")
        data += part
    return data


def ask(connection, option):
    """Sends an option without data; the types of all replies to it."""
    connection.sendall(b"IHAVEOPT" + struct.pack(">II", option, 0))
    types = []
    while not types or types[-1] == REP_SERVER:
        _, _, kind, size = struct.unpack(">QIII", receive(connection, 20))
        receive(connection, size)
        types.append(kind)
    return types


context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.set_ciphers("ALL:@SECLEVEL=0")  # what this machine's OpenSSL thinks of them is not the question
context.load_verify_locations(f"{folder}/ca-cert.pem")
context.load_cert_chain(f"{folder}/client-cert.pem", f"{folder}/client-key.pem")
if len(sys.argv) > 3:
    context.minimum_version = context.maximum_version = ssl.TLSVersion[sys.argv[3]]

plain = socket.create_connection(("127.0.0.1", port), timeout=30)
receive(plain, 18)
plain.sendall(struct.pack(">I", 3))
if ask(plain, OPT_STARTTLS) != [REP_ACK]:
    sys.exit("the server offers no TLS")
try:
    secure = context.wrap_socket(plain, server_hostname="127.0.0.1")
except (ssl.SSLError, OSError) as error:
    sys.exit(f"no handshake: {error}")
try:
    # With TLS 1.3 a server that refuses the client's certificate says so only now.
    if ask(secure, OPT_LIST)[-1] != REP_ACK:
        sys.exit("the server does not list its exports")
except OSError as error:
    sys.exit(f"refused: {error}")
print(secure.version())
