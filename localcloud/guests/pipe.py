"""Carries one HTTP request of a guest to the metadata service: from stdin to a Unix socket, and the answer to stdout.

QEMU starts it for each connection that a guest makes to 169.254.169.254. There all droplets ask for the same paths; the
service has a path for each, which is put in front. Runs on a bare Python.
"""

import os
import select
import socket
import sys

PIECE_BYTES = 65536


def main(path: str, prefix: bytes) -> None:
    """Carry until one side ends."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    begin = b""
    while b"\n" not in begin and (part := os.read(0, PIECE_BYTES)):
        begin += part
    connection.sendall(addressed(begin, prefix))
    poll = select.poll()
    poll.register(0, select.POLLIN)
    poll.register(connection, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if not (part := os.read(descriptor, PIECE_BYTES)):
                return
            if descriptor == 0:
                connection.sendall(part)
            else:
                os.write(1, part)


def addressed(begin: bytes, prefix: bytes) -> bytes:
    """Put ``prefix`` before the path, and ask for one answer only: a second request would not pass here."""
    line, _, rest = begin.partition(b"\n")
    method, _, path = line.partition(b" ")
    return method + b" " + prefix + path + b"\nConnection: close\r\n" + rest


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2].encode())
