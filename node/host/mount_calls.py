"""Bind mounts by system calls: those that no disk can hold up need no program of their own (decision 0010). Blocks.

A mount is put together before it is attached: it has its options from its first moment. Source and target are opened
without following a link, and what was opened is what is mounted, and where. Whatever cannot be done so is left to
mount(8) and umount(8), which then say why.

Sources: open_tree(2), mount_setattr(2), move_mount(2), umount2(2), linux/mount.h; mount(2) for what options stand for.
"""

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterable

from node.host import paths

_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442  # on every architecture
_AT_EMPTY_PATH, _OPEN_TREE_CLONE = 0x1000, 1
_FROM_AND_TO_ARE_OPEN = 0x4 | 0x40  # MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH
_UMOUNT_NOFOLLOW = 8
_ATTRIBUTES = struct.Struct("=QQQQ")  # set, cleared, propagation, user namespace
_SET = {"ro": 0x1, "nosuid": 0x2, "nodev": 0x4, "noexec": 0x8, "nodiratime": 0x80, "nosymfollow": 0x200000}
_CLEARED = {"suid": 0x2, "dev": 0x4, "exec": 0x8, "diratime": 0x80}
_ACCESS_TIME = {"strictatime": 0x20, "noatime": 0x10, "relatime": 0, "norelatime": 0, "atime": 0}  # the first counts
_ALL_OF_ACCESS_TIME = 0x70

_libc = ctypes.CDLL(None, use_errno=True)


def bind(source: str, target: str, options: Iterable[str]) -> bool:
    """Mount what is at ``source`` at ``target``, too; return whether that is done. ``options`` are those of a mount."""
    try:
        with paths.pinned(source) as origin, paths.pinned(target) as place:
            sys.audit("aiocsi.mount", target)
            return not _is_link(origin) and not _is_link(place) and _bound(origin, place, frozenset(options))
    except OSError:
        return False


def take_away(target: str, beside: Iterable[str]) -> bool:
    """Unmount ``target`` if its file system is mounted at, or around, one of ``beside``, too; tell whether it did.

    It stays mounted then, so nothing is written out, and no disk is waited for.
    """
    try:
        stays = any(_is_same(target, each) for each in beside)
    except OSError:
        return False
    if stays:
        sys.audit("aiocsi.umount", target)  # PEP 578
    return stays and _libc.umount2(os.fsencode(target), _UMOUNT_NOFOLLOW) == 0


def _is_link(descriptor: int) -> bool:
    return stat.S_ISLNK(os.fstat(descriptor).st_mode)


def _bound(origin: int, place: int, options: frozenset[str]) -> bool:
    tree = _libc.syscall(_OPEN_TREE, origin, b"", _AT_EMPTY_PATH | _OPEN_TREE_CLONE | os.O_CLOEXEC)
    if tree < 0:
        return False
    try:
        attributes = _ATTRIBUTES.pack(*_attributes(options), 0, 0)
        size = ctypes.c_size_t(len(attributes))
        if any(attributes) and _libc.syscall(_MOUNT_SETATTR, tree, b"", _AT_EMPTY_PATH, attributes, size) != 0:
            return False
        return bool(_libc.syscall(_MOVE_MOUNT, tree, b"", place, b"", _FROM_AND_TO_ARE_OPEN) == 0)
    finally:
        os.close(tree)


def _attributes(options: frozenset[str]) -> tuple[int, int]:
    """Return which attributes are set, and which are cleared; the others are those of the source."""
    chosen = sum(flag for name, flag in _SET.items() if name in options)
    cleared = sum(flag for name, flag in _CLEARED.items() if name in options)
    times = [flag for name, flag in _ACCESS_TIME.items() if name in options]
    return (chosen | times[0], cleared | _ALL_OF_ACCESS_TIME) if times else (chosen, cleared)


def _is_same(target: str, other: str) -> bool:
    """Tell whether another mount of the same file system is at or around a path."""
    try:
        with paths.pinned(target) as one, paths.pinned(other) as two:
            same = os.fstat(one).st_dev == os.fstat(two).st_dev
            return same and paths.mount_id(one) != paths.mount_id(two)
    except FileNotFoundError:
        return False
