"""Which program with which arguments makes, checks and grows each file system.

Sources: mke2fs(8), mkfs.xfs(8), mkfs.btrfs(8), e2fsck(8), resize2fs(8), e2undo(8), debugfs(8), xfs_growfs(8),
btrfs-filesystem(8).
"""

from dataclasses import dataclass

from common import errors
from common.format_parameters import FormatOptions
from node.codes import Code
from node.formats import exit_status
from node.formats.exit_status import ExitMeaning
from node.records.requests import Filesystem

EXT = frozenset({"ext2", "ext3", "ext4"})
RESIZE_INODE = 7
_TORN_RESIZE_INODE = f"Inode {RESIZE_INODE} has illegal block(s)"


@dataclass(frozen=True)
class Checked:
    """What fsck found: nothing, or something that it has repaired; or why it has not checked at all."""

    repaired: bool
    unchecked: str = ""


def mkfs(wanted: Filesystem, device: str, *, lazy: bool) -> tuple[str, ...]:
    """Return the program that makes the file system on ``device``.

    The device is never discarded as a whole: on a large volume that takes minutes. ``lazy``: ext leaves its inode
    tables and journal to be zeroed later, which is safe only on a device that reads zero now.
    """
    if wanted.kind in EXT:
        return (f"mkfs.{wanted.kind}", "-F", "-q", *_ext_options(wanted.options, lazy=lazy), device)
    if wanted.kind == "xfs":
        return ("mkfs.xfs", "-f", "-q", "-K", *_xfs_options(wanted.options), device)
    return ("mkfs.btrfs", "-f", "-q", "-K", *_btrfs_options(wanted.options), device)


def check(kind: str, device: str) -> tuple[str, ...]:
    """Return the program that repairs before a mount what is safe to repair; empty where mounting does it itself."""
    return ("e2fsck", "-p", device) if kind in EXT else ()


def check_all(device: str) -> tuple[str, ...]:
    """Return the program after which an ext file system that is not mounted may be grown."""
    return ("e2fsck", "-f", "-p", device)


def is_torn_growth(status: int, output: str) -> bool:
    """Tell whether e2fsck has stopped at the resize inode, as a resize2fs leaves it that was killed near its end.

    e2fsck repairs one that it takes for invalid (``e2fsck.conf``). This one looks valid, and lists blocks that are not
    its own.
    """
    return exit_status.read("e2fsck", status, output) is ExitMeaning.VERDICT and _TORN_RESIZE_INODE in output


def clear_resize_inode(device: str) -> tuple[str, ...]:
    """Return the program after which e2fsck makes the resize inode of an ext file system again.

    It holds reserved blocks for group descriptors, never data. ``-n``: the bitmaps may not have their checksums yet.
    """
    return ("debugfs", "-n", "-w", "-R", f"clri <{RESIZE_INODE}>", device)


def read_check(status: int, volume_id: str, output: str) -> Checked:
    """Read the end of e2fsck. Raises FailedPrecondition if errors are left, OutcomeUnknown if it could not judge.

    A file system with a feature that e2fsck does not know is not checked, which is no error of the file system: the
    kernel refuses what it does not know itself.
    """
    meaning, words = exit_status.read("e2fsck", status, output), exit_status.words("e2fsck", status, output)
    if meaning is ExitMeaning.DONE:
        return Checked(repaired=status != 0)
    if meaning is ExitMeaning.VERDICT:
        raise errors.FailedPrecondition(
            f"the file system of volume {volume_id} has errors that only a person can decide on: {words}",
            remedy="make a snapshot of the volume first, then run e2fsck on its device by hand",
            reason="FilesystemDamaged",
            error_code=Code.FILE_SYSTEM_DAMAGED,
        )
    if exit_status.is_unknown_to_e2fsck(status, output):
        return Checked(repaired=False, unchecked=words)
    raise errors.OutcomeUnknown(
        f"the file system of volume {volume_id} could not be checked: {words}",
        remedy="this says nothing of its content: look into the kernel log (dmesg) for I/O errors or a lack of memory",
        error_code=Code.CHECK_UNFINISHED,
    )


def grow_unmounted(device: str, undo_file: str) -> tuple[str, ...]:
    """Return the program that grows an ext file system to the size of its device, not mounted.

    What it overwrites is kept in ``undo_file``, which must not exist; empty: nothing is kept.
    """
    return ("resize2fs", *_given("-z", undo_file), device)


def undo_growth(device: str, undo_file: str) -> tuple[str, ...]:
    """Return the program that puts back what ``grow_unmounted`` has overwritten.

    It compares superblocks, and refuses a file system that has changed since.
    """
    return ("e2undo", undo_file, device)


def grow_mounted(kind: str, device: str, path: str) -> tuple[str, ...]:
    """Return the program that grows a mounted file system to the size of its device."""
    if kind in EXT:
        return ("resize2fs", device)
    return ("xfs_growfs", "-d", path) if kind == "xfs" else ("btrfs", "filesystem", "resize", "max", path)


def _ext_options(options: FormatOptions, *, lazy: bool) -> tuple[str, ...]:
    zero_later = int(lazy)
    extended = f"nodiscard,lazy_itable_init={zero_later},lazy_journal_init={zero_later}"
    return (
        *("-E", extended),
        *("-m", str(options.reserved_percent)),
        *_given("-b", options.block_bytes),
        *_given("-I", options.inode_bytes),
        *_given("-i", options.bytes_per_inode),
        *_given("-L", options.label),
    )


def _xfs_options(options: FormatOptions) -> tuple[str, ...]:
    return (
        *_given("-b", options.block_bytes, "size="),
        *_given("-i", options.inode_bytes, "size="),
        *_given("-L", options.label),
    )


def _btrfs_options(options: FormatOptions) -> tuple[str, ...]:
    return (*_given("-s", options.block_bytes), *_given("-L", options.label))


def _given(flag: str, value: int | str, prefix: str = "") -> tuple[str, ...]:
    return (flag, f"{prefix}{value}") if value else ()
