"""Carries one connection: what comes on stdin goes to a Unix socket, what comes from there to stdout.

QEMU starts it for each connection that a guest makes to the metadata service. Runs on a bare Python.
"""

import os
import select
import socket
import sys

PIECE_BYTES = 65536


def main(path: str) -> None:
    """Carry until one side ends."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
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


if __name__ == "__main__":
    main(sys.argv[1])
