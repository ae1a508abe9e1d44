"""Loop devices, by the kernel's own calls. Everything here blocks: call it in a thread.

A free number is only a hint: another process may take it before we do. The call that binds a file to the device is
atomic and says EBUSY then, and we ask for the next number; no one's device is ever taken over.

Source: Linux include/uapi/linux/loop.h, drivers/block/loop.c (6.x); loop(4).
"""

import errno
import fcntl
import os
import stat
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOOP_CLR_FD = 0x4C01
LOOP_SET_STATUS64 = 0x4C04
LOOP_GET_STATUS64 = 0x4C05
LOOP_SET_CAPACITY = 0x4C07
LOOP_CONFIGURE = 0x4C0A
LOOP_CTL_GET_FREE = 0x4C82
BLKROSET = 0x125D
LO_FLAGS_AUTOCLEAR = 4

_INFO64 = struct.Struct("=5Q4I64s64s32s2Q")  # struct loop_info64
_CONFIG = struct.Struct(f"=2I{_INFO64.size}s64x")  # struct loop_config
_FLAGS_OFFSET = struct.calcsize("=5Q3I")

ATTEMPTS = 256  # numbers that others may take before us
CLEAR_SECONDS = 0.3  # a device that nobody else has open is gone at once; udev or blkid may look at it for a moment


def bind(backing: Path) -> int:
    """Bind a file to a free loop device; return its number. Raises OSError."""
    backing_fd = os.open(backing, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.posix_fadvise(backing_fd, 0, 0, os.POSIX_FADV_RANDOM)  # the device reads ahead by itself: once is enough
        for _ in range(ATTEMPTS):
            number = _free_number()
            if _configure(number, backing_fd, backing):
                return number
    finally:
        os.close(backing_fd)
    raise OSError(errno.EBUSY, "every free loop device was taken by another process", str(backing))


def unbind(number: int, backing: str) -> bool:
    """Let go of the file; a device that has another one, since its number was given away, is left alone.

    Return False if another process still uses the device with the file: then it goes with the last user.
    """
    if not is_bound(number, backing):
        return True
    with _opened(number) as device:
        try:
            fcntl.ioctl(device, LOOP_CLR_FD)
        except OSError as error:
            if error.errno == errno.ENXIO:  # it is not bound any more
                return True
            raise
    deadline = time.monotonic() + CLEAR_SECONDS
    while is_bound(number, backing):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def keep(number: int) -> None:
    """Let a bound device live on when its last user closes it."""
    with _opened(number) as device:
        info = bytearray(_INFO64.size)
        fcntl.ioctl(device, LOOP_GET_STATUS64, info)
        (flags,) = struct.unpack_from("=I", info, _FLAGS_OFFSET)
        if flags & LO_FLAGS_AUTOCLEAR:
            struct.pack_into("=I", info, _FLAGS_OFFSET, flags & ~LO_FLAGS_AUTOCLEAR)
            fcntl.ioctl(device, LOOP_SET_STATUS64, bytes(info))


def grow(number: int) -> None:
    """Take over the size of the file, also while the device is in use."""
    with _opened(number) as device:
        fcntl.ioctl(device, LOOP_SET_CAPACITY)


def is_mounted(number: int) -> bool:
    """Say whether the device is claimed by one user alone, as by a mount."""
    try:
        os.close(os.open(_node(number), os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC))
    except OSError as error:
        if error.errno == errno.EBUSY:
            return True
        raise
    return False


def is_bound(number: int, backing: str) -> bool:
    """Say whether the file, by its path as the kernel tells it, is bound to the device."""
    return _backing(Path(f"/sys/block/loop{number}/loop/backing_file")) == backing


def bound_below(folder: Path) -> dict[int, str]:
    """Return the numbers of all devices whose file lies in ``folder``, with the file's path as the kernel tells it.

    The path of a file that was removed ends with `` (deleted)``.
    """
    found: dict[int, str] = {}
    for entry in Path("/sys/block").glob("loop*/loop/backing_file"):
        if Path(backing := _backing(entry)).parent == folder:
            found[int(entry.parts[3].removeprefix("loop"))] = backing
    return found


def device_number(number: int) -> int:
    """Return the device number (major and minor) of a loop device, as mknod wants it."""
    try:
        major, minor = Path(f"/sys/block/loop{number}/dev").read_text().split(":")
    except FileNotFoundError:  # the kernel makes the disk when its node is opened first
        return os.makedev(7, number)
    return os.makedev(int(major), int(minor))


def make_node(path: Path, device: int) -> None:
    """Make a block-device node in one step; a node that stands there already is replaced if it is another one."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        pass
    else:
        if stat.S_ISBLK(status.st_mode) and status.st_rdev == device:
            return
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    os.mknod(fresh, stat.S_IFBLK | 0o660, device)
    fresh.rename(path)


def _backing(entry: Path) -> str:
    """Return the path of a device's file; empty if it has none, or went away while we looked."""
    try:
        return entry.read_text().rstrip("\n")
    except OSError:
        return ""


def _free_number() -> int:
    with _file(Path("/dev/loop-control")) as control:
        return fcntl.ioctl(control, LOOP_CTL_GET_FREE)


def _configure(number: int, backing_fd: int, backing: Path) -> bool:
    """Bind, or return False if another process was faster."""
    name = os.fsencode(backing)[:63]
    info = _INFO64.pack(0, 0, 0, 0, 0, 0, 0, 0, 0, name, b"", b"", 0, 0)
    with _opened(number) as device:
        try:
            fcntl.ioctl(device, LOOP_CONFIGURE, _CONFIG.pack(backing_fd, 0, info))
        except OSError as error:
            if error.errno == errno.EBUSY:
                return False
            raise
        fcntl.ioctl(device, BLKROSET, struct.pack("=i", 0))  # the flag of the file before stays otherwise
    return True


def _node(number: int) -> Path:
    """Return the node of a device; it is made where there is no udev and no devtmpfs to do so."""
    path = Path(f"/dev/loop{number}")
    if not path.exists():
        with suppress(FileExistsError):  # somebody else made it just now
            os.mknod(path, stat.S_IFBLK | 0o660, device_number(number))
    return path


@contextmanager
def _opened(number: int) -> Iterator[int]:
    with _file(_node(number)) as device:
        yield device


@contextmanager
def _file(path: Path) -> Iterator[int]:
    opened = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        yield opened
    finally:
        os.close(opened)
