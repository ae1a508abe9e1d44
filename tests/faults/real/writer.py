"""What an application does on a volume: a log of numbered, checksummed records, each synced before it counts."""

import os
import zlib
from pathlib import Path

RECORD_BYTES = 512


class Lost(Exception):
    """A record that was synced is not there, or is not what was written."""


def write(path: Path, first: int, count: int) -> int:
    """Append ``count`` records from number ``first`` on; return the number after the last that is on the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        for number in range(first, first + count):
            os.pwrite(descriptor, record(number), number * RECORD_BYTES)
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return first + count


def check(path: Path, count: int) -> int:
    """Compare all ``count`` records with what was written; return how many bytes that were. Raises Lost."""
    if not count:
        return 0
    with path.open("rb") as file:
        for number in range(count):
            found = file.read(RECORD_BYTES)
            if found != record(number):
                raise Lost(f"{path}: record {number} of {count} is {found[:40]!r}")
    return count * RECORD_BYTES


def check_size(folder: Path, volume_bytes: int) -> None:
    """Raise Lost unless the file system is about as large as its volume, which grows by 1 GiB or more."""
    found = os.statvfs(folder)
    if found.f_blocks * found.f_frsize < volume_bytes - (1 << 29):
        raise Lost(f"{folder}: {found.f_blocks * found.f_frsize} bytes on a volume of {volume_bytes}")


def record(number: int) -> bytes:
    """Return a record: its number, a checksum, and filling that depends on both."""
    head = f"{number} {zlib.crc32(str(number).encode()):08x} ".encode()
    return (head * (RECORD_BYTES // len(head) + 1))[:RECORD_BYTES]
