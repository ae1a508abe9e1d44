"""A file system that never answers: a FUSE mount whose other end reads nothing.

Source: fuse(4), mount.fuse (the options of the kernel's own mount call).
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def unanswered(point: Path) -> Iterator[int]:
    """Mount it at ``point``; yield the descriptor of its other end. When that is closed, every call says ENOTCONN."""
    end = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={end},rootmode=40000,user_id=0,group_id=0"
    if _libc.mount(b"hung", os.fsencode(point), b"fuse", 0, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(point))
    try:
        yield end
    finally:
        _close(end)
        _libc.umount2(os.fsencode(point), 2)  # MNT_DETACH: whatever hangs in it ends when its other end is closed


def _close(end: int) -> None:
    try:
        os.close(end)
    except OSError:  # the test has closed it
        return
