"""Paths of sockets: the kernel takes 107 bytes, and folders of tests and of states may be longer.

Source: unix(7), "sun_path".
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def listening(path: Path) -> socket.socket:
    """Return a Unix socket that listens at ``path``; one that is left there by a process that has ended is replaced."""
    path.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX)
    with short(path) as told:
        made.bind(told)
    made.listen()
    return made


@contextmanager
def short(path: Path) -> Iterator[str]:
    """Give a short path that leads to ``path`` inside: by a descriptor of its folder, which must be there."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
