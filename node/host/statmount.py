"""Ask the kernel about one mount: statmount(2). The text of all mounts takes it milliseconds where there are thousands.

All that mountinfo tells of a mount is there since Linux 6.13; ``mount_of`` returns None where it is not, and the text
has to be read. Blocks, but asks nothing of a file system.

Sources: statmount(2), statx(2), linux/mount.h.
"""

import ctypes
import os
import struct

from node.records.kernel import Mount

_STATMOUNT = 457  # on every architecture
_AT_EMPTY_PATH, _MNT_ID_UNIQUE = 0x1000, 0x4000
_SB, _MNT, _PROPAGATE, _ROOT, _POINT, _TYPE, _OPTIONS, _SUBTYPE, _SOURCE = 1, 2, 4, 8, 0x10, 0x20, 0x80, 0x100, 0x200
_NEEDED = _SB | _MNT | _PROPAGATE | _ROOT | _POINT | _TYPE | _SOURCE
_ASKED = _NEEDED | _OPTIONS | _SUBTYPE  # not every mount has them
_STATX_BYTES, _AT_MASK, _AT_MOUNT_ID = 256, 0, 0x90
_REQUEST = struct.Struct("=IIQQ")
_REPLY = struct.Struct("=IIQIIQIIQQIIQQQQQIIQII")
_HEAD_BYTES, _REPLY_BYTES = 512, 32 << 10
_READ_ONLY, _ATIME, _SHARED = 0x1, 0x70, 0x100000
_FLAGS = {0x2: "nosuid", 0x4: "nodev", 0x8: "noexec", 0x80: "nodiratime", 0x100000: "idmapped", 0x200000: "nosymfollow"}
_ATIMES = {0x00: "relatime", 0x10: "noatime"}
_SUPER_FLAGS = {0x10: "sync", 0x80: "dirsync", 0x2000000: "lazytime"}

_libc = ctypes.CDLL(None, use_errno=True)


def mount_of(descriptor: int) -> Mount | None:
    """Return the mount that an open file lies in, as mountinfo has it; None: this kernel does not tell all of it."""
    found = _unique_id(descriptor)
    return _ask(found) if found else None


def mounts_at(descriptor: int, path: str) -> tuple[Mount, ...] | None:
    """Return the mounts at ``path``, of which the one seen there last was opened; None: this kernel does not tell."""
    found: list[Mount] = []
    number = _unique_id(descriptor)
    while number:
        reply = _reply(number)
        mount = _parsed(reply) if reply else None
        if mount is None:
            return None
        if mount.point != path:
            break
        found.append(mount)
        above = _REPLY.unpack_from(reply)[9]
        number = above if above != number else 0
    return tuple(reversed(found)) if number or found else None


def _unique_id(descriptor: int) -> int:
    reply = ctypes.create_string_buffer(_STATX_BYTES)
    if _libc.statx(descriptor, b"", _AT_EMPTY_PATH, _MNT_ID_UNIQUE, reply) != 0:
        return 0
    mask, number = struct.unpack_from("=I", reply, _AT_MASK)[0], struct.unpack_from("=Q", reply, _AT_MOUNT_ID)[0]
    return number if mask & _MNT_ID_UNIQUE else 0


def _ask(number: int) -> Mount | None:
    reply = _reply(number)
    return _parsed(reply) if reply else None


def _reply(number: int) -> bytes:
    """Return what the kernel says of a mount; nothing if it does not."""
    request = _REQUEST.pack(_REQUEST.size, 0, number, _ASKED)
    reply = ctypes.create_string_buffer(_REPLY_BYTES)
    if _libc.syscall(_STATMOUNT, request, reply, ctypes.c_size_t(_REPLY_BYTES), 0) != 0:
        return b""  # before Linux 6.8, in a sandbox, or it is gone
    return reply.raw[: struct.unpack_from("=I", reply)[0]]


def _parsed(reply: bytes) -> Mount | None:
    fields = _REPLY.unpack_from(reply)
    (_, options, mask, major, minor, _, super_flags, kind, _, _, own, parent, flags, propagation) = fields[:14]
    root, point, _, subtype, source = fields[17:22]
    if mask & _NEEDED != _NEEDED:
        return None
    access = "ro" if super_flags & _READ_ONLY else "rw"
    words = [word for word in _text(reply, options).split(",") if word] if mask & _OPTIONS else []
    return Mount(
        id=own,
        parent=parent,
        number=f"{major}:{minor}",
        root=_text(reply, root),
        point=_text(reply, point),
        options=_mount_options(flags),
        shared=bool(propagation & _SHARED),
        kind=_text(reply, kind) + (f".{_text(reply, subtype)}" if mask & _SUBTYPE else ""),
        source=_text(reply, source),
        super_options=frozenset((access, *words, *(word for flag, word in _SUPER_FLAGS.items() if super_flags & flag))),
    )


def _mount_options(flags: int) -> frozenset[str]:
    named = (word for flag, word in _FLAGS.items() if flags & flag)
    atime = _ATIMES.get(flags & _ATIME, "")
    return frozenset(("ro" if flags & _READ_ONLY else "rw", *named, *((atime,) if atime else ())))


def _text(reply: bytes, at: int) -> str:
    start = _HEAD_BYTES + at
    return os.fsdecode(reply[start : reply.index(b"\0", start)])
