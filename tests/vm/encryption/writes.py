"""What was written to a disk, one write after the other, and so what a power cut would have left at each moment.

Source: kernel Documentation/admin-guide/device-mapper/log-writes.rst, drivers/md/dm-log-writes.c.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAGIC = 0x6A736677736872
HEAD = struct.Struct("<QQQI")  # magic, version, entries, bytes of a sector
ENTRY = struct.Struct("<QQQQ")  # sector, sectors, flags, bytes of data
DISCARD = 4


@dataclass(frozen=True)
class Write:
    """Bytes that were written at an offset."""

    at: int
    data: bytes


def read(record: Path) -> list[Write]:
    """Return the writes of a record that a flush has ended. Raises ValueError if it is none."""
    with record.open("rb") as file:
        return list(_read(file.read()))


def _read(record: bytes) -> Iterator[Write]:
    magic, _, entries, unit = HEAD.unpack_from(record)
    if magic != MAGIC:
        raise ValueError("no record of writes")
    position = unit
    for _ in range(entries):
        sector, sectors, flags, _ = ENTRY.unpack_from(record, position)
        position += unit
        if flags & DISCARD:
            yield Write(sector * unit, bytes(sectors * unit))
        elif sectors:
            yield Write(sector * unit, record[position : position + sectors * unit])
            position += sectors * unit


def replay(writes: list[Write], size_bytes: int) -> Iterator[bytearray]:
    """Yield the disk as it was before the first write, and after each; always the same bytes, changed."""
    disk = bytearray(size_bytes)
    yield disk
    for write in writes:
        disk[write.at : write.at + len(write.data)] = write.data
        yield disk
