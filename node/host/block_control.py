"""Block devices that are in use: flush, whether anybody still holds one, and whether it may be written to. Blocks.

Sources: blockdev(8), linux/fs.h (BLKROSET), open(2) (O_EXCL of a block device).
"""

import errno
import fcntl
import os
import struct
from pathlib import Path

from common import errors
from node.codes import Code

GONE = frozenset({errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.ENOTDIR})
_BLKROSET = 0x125D


def set_read_only(path: str, *, read_only: bool) -> None:
    """Let the kernel refuse, or allow, every write to the device. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.ioctl(descriptor, _BLKROSET, struct.pack("i", read_only))
    finally:
        os.close(descriptor)


def is_free(path: Path, *, flush: bool) -> bool:
    """Tell whether no one on this host holds the device; ``flush`` it then. Raises Unavailable, OutcomeUnknown."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.EBUSY:
            return False
        if error.errno in GONE:
            return True
        raise errors.Unavailable(
            f"cannot open device {path}: {error.strerror}", error_code=Code.DEVICE_UNREADABLE
        ) from error
    try:
        if flush:  # a mapper without a disk could only fail
            _flush(descriptor, path)
        return True
    finally:
        os.close(descriptor)


def _flush(descriptor: int, path: Path) -> None:
    """Write out what the kernel still has. Raises OutcomeUnknown if it could not; the kernel tells that once."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise errors.OutcomeUnknown(
            f"not all that was written to device {path} has reached it: {error.strerror}",
            remedy="look into the kernel log: what was written last, and was not synced, may be lost",
            error_code=Code.WRITES_LOST,
        ) from error
