"""StorageClass parameters on how a file system is made: typed, and checked against what each mkfs takes.

Sources: mke2fs(8), mkfs.xfs(8), mkfs.btrfs(8). A wrong value is refused before anything is touched.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from common import errors
from common.codes import Code

_LABEL = re.compile(r"[A-Za-z0-9_.-]+")
_LABEL_LENGTH = {"ext2": 16, "ext3": 16, "ext4": 16, "xfs": 12, "btrfs": 255}
_EXT = frozenset({"ext2", "ext3", "ext4"})
_EXT_BLOCKS = (1024, 2048, 4096)
_EXT_INODES = (128, 256, 512, 1024, 2048, 4096)
_BLOCKS = {**dict.fromkeys(_EXT, _EXT_BLOCKS), "xfs": (1024, 2048, 4096), "btrfs": (4096,)}
_INODES = {**dict.fromkeys(_EXT, _EXT_INODES), "xfs": (512, 1024, 2048)}
_SHORT = frozenset({"ext2", "ext3"})  # count their blocks in 32 bits
_REMEDY = "correct the StorageClass and make the volume again"
_EXT_ONLY = ("bytesPerInode", "reservedPercent")


@dataclass(frozen=True)
class FormatOptions:
    """How a file system is made; 0 or empty: its mkfs decides."""

    block_bytes: int = 0
    inode_bytes: int = 0
    bytes_per_inode: int = 0
    reserved_percent: int = 0  # ext only: blocks that root alone may use
    label: str = ""


def parse(kind: str, given: Mapping[str, str]) -> FormatOptions:
    """Return the options among ``given``, a volume context. Raises InvalidArgument for one that mkfs does not take."""
    if kind not in _EXT and (wrong := [key for key in _EXT_ONLY if key in given]):
        raise errors.InvalidArgument(
            f"{wrong[0]} is for ext2, ext3 and ext4, not for {kind}", remedy=_REMEDY, error_code=Code.FORMAT_PARAMETERS
        )
    options = FormatOptions(
        block_bytes=_one_of("blockSize", given, _BLOCKS[kind]),
        inode_bytes=_one_of("inodeSize", given, _INODES.get(kind, ())),
        bytes_per_inode=_within("bytesPerInode", given, 1024, 64 << 20),
        reserved_percent=_within("reservedPercent", given, 0, 50),
        label=_label(kind, given),
    )
    block_bytes = options.block_bytes or 4096
    if kind == "xfs" and options.inode_bytes > block_bytes // 2:
        raise errors.InvalidArgument(
            f"inodeSize {options.inode_bytes} is more than half of the block size {block_bytes}",
            error_code=Code.FORMAT_PARAMETERS,
        )
    ratio = options.bytes_per_inode
    if options.inode_bytes > block_bytes or (ratio and (ratio < block_bytes or ratio <= options.inode_bytes)):
        raise errors.InvalidArgument(
            f"inodeSize and bytesPerInode do not fit the block size {block_bytes}",
            remedy=_REMEDY,
            error_code=Code.FORMAT_PARAMETERS,
        )
    return options


def check_size(kind: str, options: FormatOptions, size_bytes: int) -> None:
    """Raise InvalidArgument if a file system cannot be as large as its volume."""
    block_bytes = options.block_bytes or 4096
    if kind in _SHORT and size_bytes >= block_bytes << 32:
        raise errors.InvalidArgument(
            f"{kind} with blocks of {block_bytes} bytes cannot have {size_bytes} bytes: it counts blocks in 32 bits",
            remedy="use ext4 or xfs (fsType), or a smaller volume",
            error_code=Code.FORMAT_PARAMETERS,
        )


def _one_of(key: str, given: Mapping[str, str], allowed: tuple[int, ...]) -> int:
    value = given.get(key, "")
    if not value:
        return 0
    if value not in map(str, allowed):
        offered = ", ".join(map(str, allowed)) or "nothing for this file system"
        raise errors.InvalidArgument(
            f"{key} {value[:40]!r} is not one of: {offered}", remedy=_REMEDY, error_code=Code.FORMAT_PARAMETERS
        )
    return int(value)


def _within(key: str, given: Mapping[str, str], least: int, most: int) -> int:
    value = given.get(key, "")
    if not value:
        return 0
    if not re.fullmatch(r"[0-9]{1,9}", value) or not least <= int(value) <= most:
        raise errors.InvalidArgument(
            f"{key} {value[:40]!r} is not a number from {least} to {most}",
            remedy=_REMEDY,
            error_code=Code.FORMAT_PARAMETERS,
        )
    return int(value)


def _label(kind: str, given: Mapping[str, str]) -> str:
    value = given.get("label", "")
    if value and (not _LABEL.fullmatch(value) or len(value) > _LABEL_LENGTH[kind] or value.startswith("-")):
        raise errors.InvalidArgument(
            f"label {value[:40]!r} is not 1 to {_LABEL_LENGTH[kind]} letters, digits, '_', '.' or '-'",
            remedy=_REMEDY,
            error_code=Code.FORMAT_PARAMETERS,
        )
    return value
