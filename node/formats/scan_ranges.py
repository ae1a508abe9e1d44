"""Which bytes of a device are read before it may be called blank.

blkid knows signatures; data without one (a database file, a file system whose first superblock is gone) is found by
reading. The whole of a large device cannot be read in the time of a call, so these ranges stand for it: the head and
the tail, where nearly everything keeps a mark; the places further in where copies of marks lie; and an even spread.

Sources (byte offsets): LUKS2 second header, 16 KiB to 4 MiB in powers of two (LUKS2 On-Disk Format 3.1); md 1.x, 0,
4 KiB and the last 8 to 12 KiB, 0.90 the last 64 to 128 KiB (md(4)); ZFS labels, two of 256 KiB at each end; btrfs
copies at 64 MiB and 256 GiB; ext4 copies in groups 1 and powers of 3, 5, 7 for block sizes 1, 2 and 4 KiB; backup GPT
in the last 33 sectors; UDF at 512 KiB and the end; VMFS at 1 and 2 MiB; most firmware RAID in the last sectors.

What the spread can miss is a probability: docs/explanation/when-we-format.md.
"""

from collections.abc import Iterator

KIB, MIB = 1 << 10, 1 << 20

ENDS_BYTES = 1 * MIB  # of the head, and of the tail
MARK_BYTES = 8 * KIB
SAMPLE_BYTES = 4 * KIB
SAMPLES = 1021  # a prime: a size of whole GiB then puts them at ever other places of a MiB, where formats have holes
_EXT_GROUPS = (3, 5, 7, 9, 25, 27, 49, 81, 125)  # and 1, which begins at a power of two
_EXT_GROUP_BYTES = (8 * MIB, 32 * MIB, 128 * MIB)  # for blocks of 1, 2 and 4 KiB


def ranges(size_bytes: int) -> tuple[tuple[int, int], ...]:
    """Return (offset, length) pairs, in order, without overlap, for a device of ``size_bytes``."""
    merged: list[tuple[int, int]] = []
    for start, length in sorted(_wanted(size_bytes)):
        end = min(start + length, size_bytes)
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif start < end:
            merged.append((start, end))
    return tuple((start, end - start) for start, end in merged)


def _wanted(size_bytes: int) -> Iterator[tuple[int, int]]:
    yield 0, ENDS_BYTES
    yield max(0, size_bytes - ENDS_BYTES), ENDS_BYTES
    for power in range(20, size_bytes.bit_length()):  # from 1 MiB; with 4 MiB (LUKS2), 64 MiB and 256 GiB (btrfs)
        yield 1 << power, MARK_BYTES
    for group_bytes in _EXT_GROUP_BYTES:
        for group in _EXT_GROUPS:
            yield group * group_bytes, MARK_BYTES
    yield size_bytes // 2 // SAMPLE_BYTES * SAMPLE_BYTES, SAMPLE_BYTES
    for index in range(1, SAMPLES):
        yield size_bytes * index // SAMPLES // SAMPLE_BYTES * SAMPLE_BYTES, SAMPLE_BYTES
