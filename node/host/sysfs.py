"""What the kernel says of block devices, file systems and this host under /sys and /proc. Everything here blocks.

Sources: kernel Documentation/ABI/stable/sysfs-block, block/stat, testing/sysfs-block-loop, testing/sysfs-fs-ext4;
Documentation/scsi; proc(5).
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from node.records.kernel import Facts, IoCounts, Mapper, Traffic
from node.rules import encryption

SECTOR_BYTES = 512  # the unit of ``size``, whatever the device's own
COMPLETED, IN_FLIGHT, BUSY = (0, 4, 11, 15), 8, 9  # in ``stat``: reads, writes, discards and flushes


class Sysfs:
    """Reads below ``root``, which is /sys but in tests."""

    def __init__(self, root: Path = Path("/sys"), proc: Path = Path("/proc")) -> None:
        self._root = root
        self._proc = proc

    def facts(self, number: str) -> Facts | None:
        """Return what the kernel says of the device ``number`` (major:minor), or None if it has no such device."""
        folder = (self._root / "dev/block" / number).resolve()
        sectors = _text(folder / "size")
        if not sectors.isdigit() or sectors == "0":  # a loop device that is not bound stays, with size 0
            return None
        mapper = self._mapper(folder)
        if mapper is not None and encryption.is_ours(mapper.name, mapper.uuid):
            return self._through(mapper, read_only=_text(folder / "ro") == "1")
        device = folder / "device"
        return Facts(
            kernel_name=folder.name,
            number=number,
            size_bytes=int(sectors) * SECTOR_BYTES,
            read_only=_text(folder / "ro") == "1",
            vendor=_text(device / "vendor"),
            model=_text(device / "model"),
            state=_text(device / "state"),
            page83=_bytes(device / "vpd_pg83"),
            backing_file=_text(folder / "loop/backing_file"),
            holders=_names(folder / "holders"),
            partitions=tuple(name for name in _names(folder) if name.startswith(folder.name)),
            sequence=_text(folder / "diskseq"),
            errors=_number(_text(device / "ioerr_cnt")),
        )

    def traffic(self, number: str) -> Traffic:
        """Return what the kernel counts of a device's commands; nothing if there is no such device."""
        counted = [int(field) for field in _text(self._root / "dev/block" / number / "stat").split()]
        if len(counted) <= IN_FLIGHT:
            return Traffic()
        return Traffic(sum(counted[field] for field in COMPLETED if field < len(counted)), counted[IN_FLIGHT])

    def io(self, number: str) -> IoCounts | None:
        """Return what a disk has done; None if there is no such disk. It is read from memory, and asks no disk."""
        folder = self._root / "dev/block" / number
        counted = [int(field) for field in _text(folder / "stat").split()]
        if len(counted) <= BUSY:
            return None
        return IoCounts(
            sequence=_text(folder / "diskseq"),
            reads=counted[0],
            read_bytes=counted[2] * SECTOR_BYTES,
            read_seconds=counted[3] / 1000,
            writes=counted[4],
            written_bytes=counted[6] * SECTOR_BYTES,
            write_seconds=counted[7] / 1000,
            in_flight=counted[IN_FLIGHT],
            io_seconds=counted[BUSY] / 1000,
            errors=_number(_text(folder / "device/ioerr_cnt")),
        )

    def mapper(self, name: str) -> Mapper | None:
        """Return the device-mapper device of a name, or None."""
        folders = (self._root / "class/block").glob("dm-*")
        found = (self._mapper(folder.resolve()) for folder in folders if _text(folder / "dm/name") == name)
        return next(found, None)

    def _mapper(self, folder: Path) -> Mapper | None:
        if not (name := _text(folder / "dm/name")):
            return None
        below = [number for lower in (folder / "slaves").glob("*") if (number := _text(lower / "dev"))]
        return Mapper(
            kernel_name=folder.name,
            number=_text(folder / "dev"),
            name=name,
            uuid=_text(folder / "dm/uuid"),
            size_bytes=_number(_text(folder / "size")) * SECTOR_BYTES,
            disk=below[0] if len(below) == 1 else "",
        )

    def _through(self, mapper: Mapper, *, read_only: bool) -> Facts:
        """Return what is known of one of our mappers: its own size and users, the identity and state of its disk."""
        below = self.facts(mapper.disk) if mapper.disk else None
        return replace(
            below or Facts(kernel_name="", number="", size_bytes=0),
            kernel_name=mapper.kernel_name,
            number=mapper.number,
            size_bytes=mapper.size_bytes,
            read_only=read_only,
            holders=_names(self._root / "class/block" / mapper.kernel_name / "holders"),
            partitions=(),
            sequence="",
            mapper=mapper.name,
            disk=mapper.disk if below is not None else "",
        )

    def disks(self) -> Iterator[Facts]:
        """Yield what the kernel says of every disk that has a VPD page 0x83."""
        for page in sorted((self._root / "class/block").glob("*/device/vpd_pg83")):
            number = _text(page.parent.parent / "dev")
            if (facts := self.facts(number)) is not None:
                yield facts

    def rescan(self, kernel_name: str) -> None:
        """Let the kernel ask a SCSI disk for its size again; a device without that does nothing."""
        with suppress(OSError):
            (self._root / "class/block" / kernel_name / "device/rescan").write_text("1", encoding="ascii")

    def parents(self, number: str) -> frozenset[str]:
        """Return ``number``, and the numbers of the disks below it: of a partition, of a device-mapper stack."""
        folder = (self._root / "dev/block" / number).resolve()
        below = [folder.parent] if (folder / "partition").exists() else list((folder / "slaves").glob("*"))
        found = {number}
        for each in below:
            if lower := _text(each / "dev"):
                found |= self.parents(lower)
        return frozenset(found)

    def boot(self) -> str:
        """Return an identifier of this boot of the host."""
        return _text(self._proc / "sys/kernel/random/boot_id")

    def has_capability(self, number: int) -> bool:
        """Tell whether this process has a capability (its number in linux/capability.h)."""
        for line in _text(self._proc / "self/status").splitlines():
            if line.startswith("CapEff:"):
                return bool(int(line.split()[1], 16) >> number & 1)
        return False

    def ext_errors(self, kernel_name: str) -> int:
        """Return how many errors ext has found in the mounted file system on a device."""
        return _number(_text(self._root / "fs/ext4" / kernel_name / "errors_count"))

    def btrfs_devices(self, uuid: str) -> tuple[str, ...]:
        """Return the kernel names of the devices of a mounted btrfs; none if it is not mounted."""
        return _names(self._root / "fs/btrfs" / uuid / "devices")

    def btrfs_errors_of(self, kernel_name: str) -> int:
        """Return the sum of the error counters of the mounted btrfs on a device."""
        total = 0
        for device in (self._root / "fs/btrfs").glob(f"*/devices/{kernel_name}"):
            for page in device.parent.parent.glob("devinfo/*/error_stats"):
                total += sum(_number(line.split()[-1]) for line in _text(page).splitlines() if line.split())
        return total

    def smbios(self, field: str) -> str:
        """Return a field of the firmware's tables (/sys/class/dmi/id), or nothing."""
        return _text(self._root / "class/dmi/id" / field)


def device_number(device: int) -> str:
    """Return a device number as mountinfo and sysfs write it: major:minor."""
    return f"{os.major(device)}:{os.minor(device)}"


def _text(path: Path) -> str:
    return _bytes(path).decode("utf-8", "replace").strip()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _names(folder: Path) -> tuple[str, ...]:
    try:
        return tuple(sorted(entry.name for entry in folder.iterdir()))
    except OSError:
        return ()


def _number(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        return 0
