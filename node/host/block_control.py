"""Raw block devices: whether the kernel lets anybody write to them. Blocks.

Source: blockdev(8), linux/fs.h (BLKROSET).
"""

import fcntl
import os
import struct

_BLKROSET = 0x125D


def set_read_only(path: str, *, read_only: bool) -> None:
    """Let the kernel refuse, or allow, every write to the device. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.ioctl(descriptor, _BLKROSET, struct.pack("i", read_only))
    finally:
        os.close(descriptor)
