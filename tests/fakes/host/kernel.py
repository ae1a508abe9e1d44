"""The kernel of a simulated host: its disks and their numbers, device links, mounts, folders, open descriptors, writes.

Numbers and names of devices are used again, as the kernel does, so a stale link leads to another disk. A mount whose
disk is gone stays, dead. What was written and not synced is lost with the disk or the host.
"""

import itertools
from dataclasses import dataclass, field, replace

from node.formats.mountinfo import MountTable, escape
from node.records.kernel import Facts, Mount
from tests.fakes.host.disks import Disk, Filesystem

ROOT = Mount(1, 0, "253:1", "/", "/", frozenset({"rw"}), True, "ext4", "/dev/vda1", frozenset({"rw"}))


class IoError(OSError):
    """The disk is gone, or cannot be read."""


@dataclass
class Plugged:
    """A disk on the host. ``seen_bytes`` is the size that the kernel knows."""

    volume_id: str
    name: str
    disk: Disk
    slot: int
    sequence: int
    seen_bytes: int
    unreadable: bool = False
    state: str = "running"
    partitions: tuple[str, ...] = ()

    @property
    def number(self) -> str:
        """Major and minor number."""
        return f"8:{16 * self.slot}"

    @property
    def kernel_name(self) -> str:
        """The name below /dev."""
        return f"sd{chr(ord('a') + self.slot)}"


@dataclass
class Mounted:
    """A mount, and the file system that is seen through it. ``held`` are writes that are not on the disk yet."""

    line: Mount
    plugged: Plugged
    filesystem: Filesystem | None
    held: list[int] = field(default_factory=list)


@dataclass
class Open:
    """An open descriptor."""

    plugged: Plugged
    exclusive: bool


class Kernel:
    """The state of a running host. Another boot makes another kernel."""

    def __init__(self, boot: str) -> None:
        self.boot = boot
        self.disks: dict[str, Plugged] = {}
        self.links: dict[str, str] = {}
        self.mounts: list[Mounted] = []
        self.folders: set[str] = set()
        self.files: set[str] = set()
        self.open: dict[int, Open] = {}
        self._numbers = itertools.count(100)
        self._sequences = itertools.count(1)

    def plug(self, volume_id: str, name: str, disk: Disk) -> Plugged:
        """A disk appears, without a link."""
        taken = {each.slot for each in self.disks.values()} | {each.plugged.slot for each in self.open.values()}
        taken |= {each.plugged.slot for each in self.mounts if each.filesystem is not None}
        # a number is free when nobody holds the disk: a bind mount of its node does not, its writer ends with the disk
        slot = next(number for number in itertools.count(1) if number not in taken)
        plugged = Plugged(volume_id, name, disk, slot, next(self._sequences), disk.size_bytes)
        self.disks[plugged.number] = plugged
        return plugged

    def unplug(self, volume_id: str) -> Plugged | None:
        """A disk goes; mounts of it stay, dead."""
        plugged = self.disk_of(volume_id)
        if plugged is not None:
            del self.disks[plugged.number]
        return plugged

    def disk_of(self, volume_id: str) -> Plugged | None:
        """Return the disk of a volume."""
        return next((each for each in self.disks.values() if each.volume_id == volume_id), None)

    def is_alive(self, plugged: Plugged) -> bool:
        """Say whether a disk is still there."""
        return self.disks.get(plugged.number) is plugged

    def facts(self, number: str) -> Facts | None:
        """Return what /sys says of a device."""
        plugged = self.disks.get(number)
        if plugged is None:
            return None
        return Facts(
            kernel_name=plugged.kernel_name,
            number=number,
            size_bytes=plugged.seen_bytes,
            vendor="DO",
            model="Volume",
            state=plugged.state,
            partitions=plugged.partitions,
            page83=_page83(plugged.name),
            sequence=str(plugged.sequence),
        )

    def table(self) -> MountTable:
        """Return mountinfo."""
        return MountTable("".join(map(_line, (ROOT, *(each.line for each in self.mounts)))).encode())

    def top(self, point: str) -> Mounted | None:
        """Return what is seen at a path."""
        return next((each for each in reversed(self.mounts) if each.line.point == point), None)

    def descriptor(self, plugged: Plugged, *, exclusive: bool = False) -> int | None:
        """Open a device; None if it is claimed, by a mount or by another exclusive descriptor."""
        if exclusive and self.is_busy(plugged):
            return None
        number = next(self._numbers)
        self.open[number] = Open(plugged, exclusive)
        return number

    def is_busy(self, plugged: Plugged) -> bool:
        """Say whether somebody has claimed the device."""
        mounted = any(each.plugged is plugged and each.filesystem is not None for each in self.mounts)
        return mounted or any(each.plugged is plugged and each.exclusive for each in self.open.values())

    def mount(self, plugged: Plugged, kind: str, options: frozenset[str], point: str) -> str:
        """Mount a file system; return what mount(8) says, nothing if it went well."""
        found = plugged.disk.filesystem
        if not self.is_alive(plugged) or found is None or found.kind != kind or plugged.disk.torn:
            return "wrong fs type, bad option, bad superblock"
        if any(each.plugged is plugged and each.exclusive for each in self.open.values()):
            return "already mounted or mount point busy"
        if point not in self.folders:
            return "mount point does not exist"
        seen = next((each for each in self.mounts if each.filesystem is found), None)
        shown = seen.line.super_options if seen is not None else frozenset({"ro" if "ro" in options else "rw"})
        self._add(plugged, found, f"/dev/{plugged.kernel_name}", ("/", point, kind, options), shown)
        return ""

    def bind(self, source: str, point: str, options: frozenset[str]) -> str:
        """Bind a mount's root, or a device node, to another place."""
        if source.startswith("/dev/"):
            plugged = next((each for each in self.disks.values() if f"/dev/{each.kernel_name}" == source), None)
            if plugged is None or point not in self.files:
                return "special device or mount point does not exist"
            self._add(plugged, None, "devtmpfs", (f"/{plugged.kernel_name}", point, "devtmpfs", options))
            return ""
        seen = self.top(source)
        if point not in self.folders or source not in self.folders:
            return "mount point does not exist"
        if seen is None:
            return "nothing is mounted at the source"
        line = ("/", point, seen.line.kind, options)
        self._add(seen.plugged, seen.filesystem, seen.line.source, line, seen.line.super_options)
        return ""

    def umount(self, point: str) -> str:
        """Take away what is seen at a path. With the last mount of a file system, its writes reach the disk."""
        seen = self.top(point)
        if seen is None:
            return "not mounted"
        self.mounts.remove(seen)
        if self.is_alive(seen.plugged):
            self._flush(seen)
        return ""

    def give_up(self, plugged: Plugged, sign: str) -> None:
        """Let the file system on a disk turn read-only after an error, as ``sign`` in its options tells."""
        for each in self.mounts:
            if each.plugged is plugged and each.filesystem is not None:
                each.line = replace(each.line, super_options=each.line.super_options - {"rw"} | {sign})

    def write(self, point: str, record: int) -> None:
        """Write a record through a mount, and sync it. Raises IoError unless it is on the disk."""
        seen = self.top(point)
        if seen is None or not self.is_alive(seen.plugged) or "ro" in seen.line.options:
            raise IoError(5, "Input/output error")
        if seen.filesystem is None:
            seen.plugged.disk.block_log.append(record)
        else:
            seen.held.append(record)
            self._flush(seen)

    def read(self, point: str) -> list[int]:
        """Return what is written at a path. Raises IoError."""
        seen = self.top(point)
        if seen is None or not self.is_alive(seen.plugged):
            raise IoError(5, "Input/output error")
        if seen.filesystem is None:
            return list(seen.plugged.disk.block_log)
        return list(seen.filesystem.log)

    def _flush(self, seen: Mounted) -> None:
        if seen.filesystem is not None and seen.plugged.disk.filesystem is seen.filesystem:
            seen.filesystem.log += seen.held
        seen.held = []

    def _add(
        self,
        plugged: Plugged,
        filesystem: Filesystem | None,
        source: str,
        line: tuple[str, str, str, frozenset[str]],
        super_options: frozenset[str] = frozenset({"rw"}),
    ) -> None:
        root, point, kind, options = line
        number = plugged.number if filesystem is not None else "0:6"
        shown = options & {"ro", "nosuid", "nodev", "noexec", "noatime", "nodiratime"}
        made = Mount(
            *(next(self._numbers), 1, number, root, point, shown),
            True,  # shared
            *(kind, source, super_options),
        )
        self.mounts.append(Mounted(made, plugged, filesystem))


def _line(mount: Mount) -> str:
    fields = (str(mount.id), str(mount.parent), mount.number, escape(mount.root), escape(mount.point))
    shared = ("shared:1",) if mount.shared else ()
    more = (mount.kind, escape(mount.source), ",".join(sorted(mount.super_options)))
    return " ".join((*fields, ",".join(sorted(mount.options)), *shared, "-", *more)) + "\n"


def _page83(name: str) -> bytes:
    """Return VPD page 0x83 with one designator: ASCII, logical unit, vendor specific (SPC-4 7.8.6)."""
    text = name.encode()
    return bytes((0, 0x83, 0, len(text) + 4, 2, 0, 0, len(text))) + text
