"""Sparse files: made, grown and copied without writing their holes. Everything here blocks: call it in a thread.

A file appears under its name only when it is whole, so a crash leaves nothing but a file that ends with ``.part``.

Source: ioctl_ficlone(2), lseek(2) "Seeking file data and holes", copy_file_range(2), FS_IOC_SETFLAGS(2const).
"""

import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

GIB = 1 << 30
FICLONE = 0x40049409
CHUNK_BYTES = 16 << 20
UNFINISHED = ".part"

_GET_FLAGS = 0x80086601
_SET_FLAGS = 0x40086602
_IMMUTABLE = 0x10
_FLAGS = struct.Struct("=I4x")


def make_empty(path: Path, size_bytes: int) -> None:
    """Make a file of holes."""
    part = path.with_name(path.name + UNFINISHED)
    with part.open("wb") as file:
        file.truncate(size_bytes)
    part.rename(path)


def grow(path: Path, size_bytes: int) -> None:
    """Make the file at least that large; a larger one is left alone."""
    if path.stat().st_size < size_bytes:
        os.truncate(path, size_bytes)


def remove(path: Path) -> None:
    """Remove a file, if it is there, also one whose writes fail."""
    try:
        path.unlink(missing_ok=True)
    except PermissionError:
        fail_writes(path, fail=False)
        path.unlink(missing_ok=True)


def fail_writes(path: Path, *, fail: bool) -> None:
    """Let every write fail from now on, also through what has the file open; reads go on. Or let them work again.

    ext4 and btrfs refuse writes to an immutable file even where it is open already; xfs does not.
    """
    with path.open("rb") as file:
        flags = _flags(file.fileno())
        wanted = flags | _IMMUTABLE if fail else flags & ~_IMMUTABLE
        if wanted != flags:
            fcntl.ioctl(file, _SET_FLAGS, _FLAGS.pack(wanted))


@contextmanager
def writable(path: Path) -> Iterator[None]:
    """Let writes work inside; those that failed before fail again afterwards."""
    with path.open("rb") as file:
        failing = _flags(file.fileno()) & _IMMUTABLE
    if failing:
        fail_writes(path, fail=False)
    try:
        yield
    finally:
        if failing:
            fail_writes(path, fail=True)


def _flags(file: int) -> int:
    """Return the file's flags; none where the file system has none."""
    buffer = bytearray(_FLAGS.size)
    try:
        fcntl.ioctl(file, _GET_FLAGS, buffer)
    except OSError as error:
        if error.errno in {errno.ENOTTY, errno.EOPNOTSUPP}:
            return 0
        raise
    return int(_FLAGS.unpack(buffer)[0])


def copy(source: Path, target: Path, least_bytes: int = 0) -> None:
    """Copy a file: shared blocks where the file system can, else its data without its holes.

    The copy is made at least ``least_bytes`` large.
    """
    part = target.with_name(target.name + UNFINISHED)
    with source.open("rb") as origin, part.open("wb") as made:
        if not _share_blocks(origin.fileno(), made.fileno()):
            size_bytes = os.fstat(origin.fileno()).st_size
            made.truncate(size_bytes)
            for start, end in _data(origin.fileno(), size_bytes):
                _copy_range(origin.fileno(), made.fileno(), start, end)
        if os.fstat(made.fileno()).st_size < least_bytes:
            made.truncate(least_bytes)
    part.rename(target)


def _share_blocks(origin: int, made: int) -> bool:
    try:
        fcntl.ioctl(made, FICLONE, origin)
    except OSError as error:
        if error.errno in {errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.ENOSYS}:
            return False
        raise
    return True


def _data(file: int, size_bytes: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of each run of data."""
    start = 0
    while start < size_bytes:
        try:
            start = os.lseek(file, start, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole up to the end
                return
            raise
        end = os.lseek(file, start, os.SEEK_HOLE)
        yield start, end
        start = end


def _copy_range(origin: int, made: int, start: int, end: int) -> None:
    while start < end:
        copied = os.copy_file_range(origin, made, min(CHUNK_BYTES, end - start), start, start)
        if copied == 0:  # the file was cut while we read it
            return
        start += copied
