"""What the kernel says of block devices, file systems and this host under /sys and /proc. Everything here blocks.

Sources: kernel Documentation/ABI/stable/sysfs-block, block/stat, testing/sysfs-block-loop, testing/sysfs-fs-ext4;
Documentation/scsi; proc(5).
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from node.records.kernel import Facts, IoCounts, Mapper, Traffic
from node.rules import encryption

SECTOR_BYTES = 512  # the unit of ``size``, whatever the device's own
_READ_BYTES = 1 << 16
COMPLETED, IN_FLIGHT, BUSY = (0, 4, 11, 15), 8, 9  # in ``stat``: reads, writes, discards and flushes


class Sysfs:
    """Reads below ``root``, which is /sys but in tests."""

    def __init__(self, root: Path = Path("/sys"), proc: Path = Path("/proc")) -> None:
        self._root = str(root)  # text: a pathlib.Path takes longer than the read of such a file
        self._proc = str(proc)

    def facts(self, number: str) -> Facts | None:
        """Return what the kernel says of the device ``number`` (major:minor), or None if it has no such device."""
        folder = self._device(number)
        sectors, kernel_name = _text(f"{folder}/size"), _target(folder)
        if not kernel_name or not sectors.isdigit() or sectors == "0":  # a loop device that is not bound has size 0
            return None
        mapper = self._mapper(folder)
        if mapper is not None and encryption.is_ours(mapper.name, mapper.uuid):
            return self._through(mapper, read_only=_text(f"{folder}/ro") == "1")
        return Facts(
            kernel_name=kernel_name,
            number=number,
            size_bytes=int(sectors) * SECTOR_BYTES,
            read_only=_text(f"{folder}/ro") == "1",
            vendor=_text(f"{folder}/device/vendor"),
            model=_text(f"{folder}/device/model"),
            state=_text(f"{folder}/device/state"),
            page83=_bytes(f"{folder}/device/vpd_pg83"),
            backing_file=_text(f"{folder}/loop/backing_file"),
            holders=_names(f"{folder}/holders"),
            partitions=tuple(name for name in _names(folder) if name.startswith(kernel_name)),
            sequence=_text(f"{folder}/diskseq"),
            errors=_number(_text(f"{folder}/device/ioerr_cnt")),
        )

    def traffic(self, number: str) -> Traffic:
        """Return what the kernel counts of a device's commands; nothing if there is no such device."""
        counted = [int(field) for field in _text(f"{self._device(number)}/stat").split()]
        if len(counted) <= IN_FLIGHT:
            return Traffic()
        return Traffic(sum(counted[field] for field in COMPLETED if field < len(counted)), counted[IN_FLIGHT])

    def io(self, number: str) -> IoCounts | None:
        """Return what a disk has done; None if there is no such disk. It is read from memory, and asks no disk."""
        folder = self._device(number)
        counted = [int(field) for field in _text(f"{folder}/stat").split()]
        if len(counted) <= BUSY:
            return None
        return IoCounts(
            sequence=_text(f"{folder}/diskseq"),
            reads=counted[0],
            read_bytes=counted[2] * SECTOR_BYTES,
            read_seconds=counted[3] / 1000,
            writes=counted[4],
            written_bytes=counted[6] * SECTOR_BYTES,
            write_seconds=counted[7] / 1000,
            in_flight=counted[IN_FLIGHT],
            io_seconds=counted[BUSY] / 1000,
            errors=_number(_text(f"{folder}/device/ioerr_cnt")),
        )

    def mapper(self, name: str) -> Mapper | None:
        """Return the device-mapper device of a name, or None."""
        folders = (f"{self._blocks}/{each}" for each in _names(self._blocks) if each.startswith("dm-"))
        return next((self._mapper(folder) for folder in folders if _text(f"{folder}/dm/name") == name), None)

    def _mapper(self, folder: str) -> Mapper | None:
        if not (name := _text(f"{folder}/dm/name")):
            return None
        below = self._below(folder)
        return Mapper(
            kernel_name=_target(folder),
            number=_text(f"{folder}/dev"),
            name=name,
            uuid=_text(f"{folder}/dm/uuid"),
            size_bytes=_number(_text(f"{folder}/size")) * SECTOR_BYTES,
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
            holders=_names(f"{self._blocks}/{mapper.kernel_name}/holders"),
            partitions=(),
            sequence="",
            mapper=mapper.name,
            disk=mapper.disk if below is not None else "",
        )

    def disks(self) -> Iterator[Facts]:
        """Yield what the kernel says of every disk that has a VPD page 0x83."""
        for name in _names(self._blocks):
            disk = f"{self._blocks}/{name}"
            if _bytes(f"{disk}/device/vpd_pg83") and (facts := self.facts(_text(f"{disk}/dev"))) is not None:
                yield facts

    def rescan(self, kernel_name: str) -> None:
        """Let the kernel ask a SCSI disk for its size again; a device without that does nothing."""
        with suppress(OSError):
            Path(f"{self._blocks}/{kernel_name}/device/rescan").write_text("1", encoding="ascii")

    def parents(self, number: str) -> frozenset[str]:
        """Return ``number``, and the numbers of the disks below it: of a partition, of a device-mapper stack."""
        folder = self._device(number)
        below = [_text(f"{folder}/../dev")] if _text(f"{folder}/partition") else self._below(folder)
        return frozenset({number}).union(*(self.parents(each) for each in below if each))

    def number(self, kernel_name: str) -> str:
        """Return the number of a device, or nothing."""
        return _text(f"{self._blocks}/{kernel_name}/dev")

    def backing_file(self, number: str) -> str:
        """Return the file that a loop device lies on; nothing for any other device."""
        return _text(f"{self._device(number)}/loop/backing_file")

    def btrfs_beside(self, numbers: set[str]) -> set[str]:
        """Return the numbers of all devices of each mounted btrfs that lies on one of ``numbers``."""
        uuids = _names(f"{self._root}/fs/btrfs")
        each = ({self.number(name) for name in self.btrfs_devices(uuid)} for uuid in uuids)
        return set().union(*(found for found in each if found & numbers))

    @property
    def _blocks(self) -> str:
        return f"{self._root}/class/block"

    def _device(self, number: str) -> str:
        return f"{self._root}/dev/block/{number}"

    def _below(self, folder: str) -> list[str]:
        """Return the numbers of the devices that one is stacked on."""
        return [number for name in _names(f"{folder}/slaves") if (number := _text(f"{folder}/slaves/{name}/dev"))]

    def boot(self) -> str:
        """Return an identifier of this boot of the host."""
        return _text(f"{self._proc}/sys/kernel/random/boot_id")

    def has_capability(self, number: int) -> bool:
        """Tell whether this process has a capability (its number in linux/capability.h)."""
        for line in _text(f"{self._proc}/self/status").splitlines():
            if line.startswith("CapEff:"):
                return bool(int(line.split()[1], 16) >> number & 1)
        return False

    def ext_errors(self, kernel_name: str) -> int:
        """Return how many errors ext has found in the mounted file system on a device."""
        return _number(_text(f"{self._root}/fs/ext4/{kernel_name}/errors_count"))

    def btrfs_devices(self, uuid: str) -> tuple[str, ...]:
        """Return the kernel names of the devices of a mounted btrfs; none if it is not mounted."""
        return _names(f"{self._root}/fs/btrfs/{uuid}/devices")

    def btrfs_errors_of(self, kernel_name: str) -> int:
        """Return the sum of the error counters of the mounted btrfs on a device."""
        total = 0
        for device in Path(f"{self._root}/fs/btrfs").glob(f"*/devices/{kernel_name}"):
            for page in device.parent.parent.glob("devinfo/*/error_stats"):
                total += sum(_number(line.split()[-1]) for line in _text(str(page)).splitlines() if line.split())
        return total

    def smbios(self, field: str) -> str:
        """Return a field of the firmware's tables (/sys/class/dmi/id), or nothing."""
        return _text(f"{self._root}/class/dmi/id/{field}")


def device_number(device: int) -> str:
    """Return a device number as mountinfo and sysfs write it: major:minor."""
    return f"{os.major(device)}:{os.minor(device)}"


def _text(path: str) -> str:
    return _bytes(path).decode("utf-8", "replace").strip()


def _bytes(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return b"".join(iter(partial(os.read, descriptor, _READ_BYTES), b""))
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _names(folder: str) -> tuple[str, ...]:
    try:
        return tuple(sorted(os.listdir(folder)))  # noqa: PTH208  # names alone
    except OSError:
        return ()


def _target(folder: str) -> str:
    """Return the name of the folder that a link in /sys leads to: what the kernel calls the device, if it is there."""
    try:
        return os.readlink(folder).rpartition("/")[2]  # noqa: PTH115  # as text
    except OSError:
        return ""


def _number(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        return 0
