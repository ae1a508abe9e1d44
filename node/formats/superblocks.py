"""Read the superblocks of the file systems that the node makes, from the first bytes of a device.

Sources: kernel Documentation/filesystems/ext4/super.rst; xfs_db(8) and the XFS Algorithms & Data Structures manual;
btrfs on-disk format (superblock at 64 KiB). blkid names the kind; this tells the size and the state.
"""

import struct
import uuid

from node.records.probes import MultipleMount, Superblock

HEAD_BYTES = 68 << 10  # what holds all of them
MMP_BYTES = 1024  # what holds the block of multiple mount protection, but for its checksum

_EXT_AT = 1024
_EXT_MAGIC = b"\x53\xef"
_EXT_HAS_JOURNAL = 0x4
_EXT_NEEDS_REPLAY = 0x4
_EXT_64BIT = 0x80
_EXT_MMP = 0x100
_EXT_MMP_MAGIC = 0x004D4D50
_EXT_ERRORS = 0x2  # in s_state
_EXT4_INCOMPAT = ~0x1F  # what ext3 does not know: extents, 64bit, flex_bg, …
_XFS_IN_PROGRESS = 126
_BTRFS_AT = 64 << 10


def parse(head: bytes) -> Superblock | None:
    """Return the superblock in ``head``, the device's first bytes, or None if there is none of these file systems."""
    if len(head) < HEAD_BYTES:
        return None
    return _xfs(head) or _btrfs(head[_BTRFS_AT:]) or _ext(head[_EXT_AT:])


def parse_mmp(block: bytes) -> MultipleMount | None:
    """Return what a block of multiple mount protection says, or None if it is no such block."""
    if len(block) < MMP_BYTES:
        return None
    magic, sequence, _, host, device, check_seconds = struct.unpack_from("<IIQ64s32sH", block)
    if magic != _EXT_MMP_MAGIC:
        return None
    return MultipleMount(sequence, check_seconds, _text(host), _text(device))


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("ascii", "replace")


def _ext(block: bytes) -> Superblock | None:
    if block[56:58] != _EXT_MAGIC:
        return None
    low, log_size = struct.unpack_from("<I", block, 4)[0], struct.unpack_from("<I", block, 24)[0]
    compat, incompat, ro_compat = struct.unpack_from("<III", block, 92)
    high = struct.unpack_from("<I", block, 0x150)[0] if incompat & _EXT_64BIT else 0
    blocks = (high << 32) | low
    journal_inode = struct.unpack_from("<I", block, 0xE0)[0]
    mmp_seconds, mmp_block = struct.unpack_from("<HQ", block, 0x166) if incompat & _EXT_MMP else (0, None)
    newer = incompat & _EXT4_INCOMPAT or ro_compat & ~0x7
    return Superblock(
        kind="ext4" if newer else "ext3" if compat & _EXT_HAS_JOURNAL else "ext2",
        size_bytes=blocks << (10 + min(log_size, 16)),
        uuid=str(uuid.UUID(bytes=block[104:120])),
        errors=struct.unpack_from("<I", block, 0x194)[0],
        marked=bool(struct.unpack_from("<H", block, 58)[0] & _EXT_ERRORS),
        needs_replay=bool(incompat & _EXT_NEEDS_REPLAY),
        mount_options=_text(block[0x200:0x240]),
        external_journal=bool(compat & _EXT_HAS_JOURNAL) and journal_inode == 0,
        mmp_at=None if mmp_block is None else mmp_block << (10 + min(log_size, 16)),
        mmp_seconds=mmp_seconds,
    )


def _xfs(block: bytes) -> Superblock | None:
    if block[:4] != b"XFSB":
        return None
    block_bytes, blocks = struct.unpack_from(">IQ", block, 4)
    return Superblock(
        kind="xfs",
        size_bytes=block_bytes * blocks,
        uuid=str(uuid.UUID(bytes=block[32:48])),
        unfinished=block[_XFS_IN_PROGRESS] != 0,
    )


def _btrfs(block: bytes) -> Superblock | None:
    if block[0x40:0x48] != b"_BHRfS_M":
        return None
    return Superblock(
        kind="btrfs",
        size_bytes=struct.unpack_from("<Q", block, 0xD1)[0],  # of this device: dev_item.total_bytes
        uuid=str(uuid.UUID(bytes=block[0x20:0x30])),
        devices=struct.unpack_from("<Q", block, 0x88)[0],
    )
