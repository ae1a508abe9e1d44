"""The disks that hold files of the host itself, its root and kubelet's directory: none of them is ever a volume.

The device number of a file (st_dev) is that of no disk where the file system lies on several (btrfs, bcachefs) or on
others (overlay). So the kernel is asked what is mounted, and from which devices. In a container the root is an overlay
whose layers only the host sees; there kubelet's directory, which comes from the host, tells. A zfs names its pool
alone: its disks are in use by the kernel's own word, and cannot be claimed. Blocks.

Sources: proc_pid_mountinfo(5); btrfs(5), /sys/fs/btrfs; kernel Documentation/filesystems/overlayfs.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress

from node.host import mounts, paths
from node.host.sysfs import Sysfs
from node.records.kernel import Mount

_FIRST = "/proc/1"  # the process whose root is the host's, where it is to be seen
_LAYERS = re.compile(r"(?:upperdir|lowerdir\+?|datadir\+)=(.+)")  # of an overlay
_DEVICE = re.compile(r"(?:logdev|rtdev|journal_path)=(/dev/.+)")  # of an xfs, of an ext

Cover = Callable[[str], Mount | None]  # returns the mount in which a path lies


class HostDisks:
    """Looks for them each time: a file system may be moved to another disk while it is mounted."""

    def __init__(self, sysfs: Sysfs, folders: tuple[str, ...]) -> None:
        """``folders`` are those whose disks are looked for, beside the roots."""
        self._sysfs = sysfs
        self._folders = folders

    def numbers(self) -> frozenset[str]:
        """Return the numbers of the disks, and of what lies between them and the files."""
        own = [disks(os.path.realpath(path), _cover, self._sysfs) for path in ("/", *self._folders)]
        return frozenset().union(*own, disks("/", _cover_of_first, self._sysfs))


def disks(path: str, cover: Cover, sysfs: Sysfs, above: tuple[str, ...] = ()) -> frozenset[str]:
    """Return the numbers of the devices that a path lies on; ``above`` are the files that it lies in itself."""
    mount = cover(path)
    if mount is None or path in above:
        return frozenset()
    numbers = {number for source in _sources(mount) if (number := _number(source, sysfs))}
    numbers |= {mount.number} if not mount.number.startswith("0:") else set()
    numbers |= sysfs.btrfs_beside(numbers) if mount.kind == "btrfs" else set()
    found = frozenset[str]().union(*map(sysfs.parents, numbers))
    files = (*_layers(mount), *filter(None, map(sysfs.backing_file, found)))
    return found.union(*(disks(each, cover, sysfs, (*above, path)) for each in files))


def _sources(mount: Mount) -> Iterator[str]:
    """Yield the devices that a mount names; a bcachefs names all of its own by colons."""
    yield from (each for each in mount.source.split(":") if each.startswith("/dev/"))
    yield from (found[1] for option in mount.super_options if (found := _DEVICE.fullmatch(option)))


def _layers(mount: Mount) -> Iterator[str]:
    for option in mount.super_options if mount.kind == "overlay" else ():
        if found := _LAYERS.fullmatch(option):
            yield from (each for each in found[1].split(":") if each.startswith("/"))


def _number(source: str, sysfs: Sysfs) -> str:
    """Return the number of a device by the kernel's name for it, or else by a node or link of another name."""
    return sysfs.number(source.removeprefix("/dev/")) or paths.block_number(source)


def _cover(path: str) -> Mount | None:
    """Look in this process's mount namespace, without the other mounts of the node."""
    with suppress(OSError), paths.pinned(path) as descriptor:
        return mounts.mount_of(descriptor)
    return None


def _cover_of_first(path: str) -> Mount | None:
    """Look in the mount namespace of the first process, if it is another one and this process may see it."""
    with suppress(OSError), paths.pinned(f"{_FIRST}/root{path}") as descriptor:
        return mounts.read_mount(paths.mount_id(descriptor), f"{_FIRST}/mountinfo")
    return None
