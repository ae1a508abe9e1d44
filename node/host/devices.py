"""Find the device of a volume, prove that it is, and hold it open, so that its number cannot pass to another disk.

The link that udev makes comes first; the kernel's own identity of every disk comes next, for a link that is late, stale
or missing. A device found either way is proven before it is used.
"""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from common import deadlines, errors
from common.clouds import DISKS
from node.codes import Code
from node.formats import luks_header, superblocks
from node.host import block_control
from node.host.host_disks import HostDisks
from node.host.inotify import DirectoryWatch
from node.host.paths import block_number
from node.host.sysfs import Sysfs, device_number
from node.host.threads import SECONDS, Threads
from node.records.kernel import Facts, Mapper
from node.records.luks import Header
from node.records.probes import Superblock
from node.records.requests import VolumeSpec
from node.rules import encryption, identity

LOOK_SECONDS = 1.0  # between looks at /sys while no link appears: udev may not run


@dataclass(frozen=True)
class Device:
    """A proven device, held open for reading."""

    path: str  # a device node, never a link
    descriptor: int
    facts: Facts

    @property
    def pinned(self) -> str:
        """Return a path that leads to this device even if its node is replaced; for a program that inherits it."""
        return f"/proc/self/fd/{self.descriptor}"


class Devices:
    """The devices of this host. ``folder`` is where the links are."""

    def __init__(
        self, folder: Path, sysfs: Sysfs, threads: Threads, wait_seconds: float, host_disks: HostDisks
    ) -> None:
        self._folder = folder
        self._sysfs = sysfs
        self._threads = threads
        self._wait_seconds = wait_seconds
        self._host_disks = host_disks

    @property
    def folders(self) -> tuple[str, ...]:
        """Where device nodes are."""
        return (str(self._folder), "/dev")

    @asynccontextmanager
    async def hold(self, volume: VolumeSpec, *, wait: bool = True) -> AsyncIterator[Device]:
        """Yield the volume's device, found, proven and open.

        Raises Unavailable if it does not appear in time, FailedPrecondition if what is there cannot be proven.
        """
        device = await self._wait(volume) if wait else await self._look(volume)
        if device is None:
            raise errors.Unavailable(
                f"the device of volume {volume.id} ({' or '.join(map(str, self._named(volume)))}) is not there",
                remedy="check that the volume is attached to this node; the next attempt looks again",
                reason="DeviceMissing",
                error_code=Code.DEVICE_MISSING,
            )
        try:
            yield device
        finally:
            await self._threads.call(partial(os.close, device.descriptor), SECONDS, f"closing {device.path}")

    @asynccontextmanager
    async def hold_mapper(self, mapper: Mapper) -> AsyncIterator[Device]:
        """Yield an open mapper as a device. Raises Unavailable if it is not there any more."""
        what = f"opening mapper {mapper.name}"
        device = await self._threads.call(partial(self._open_mapper, mapper), SECONDS, what)
        try:
            yield device
        finally:
            await self._threads.call(partial(os.close, device.descriptor), SECONDS, f"closing {device.path}")

    async def fresh(self, number: str) -> Facts | None:
        """Let the kernel ask the disk for its size again, and return what it says then; None if the disk is gone."""

        def look() -> Facts | None:
            if (facts := self._sysfs.facts(number)) is not None:
                self._sysfs.rescan(facts.kernel_name)
            return self._sysfs.facts(number)

        return await self._threads.call(look, SECONDS, f"rescan of device {number}")

    async def superblock(self, number: str) -> Superblock | None:
        """Return the superblock on a device that is in use, as the kernel has it now."""
        return superblocks.parse(await self._head(number))

    async def header(self, number: str) -> Header | None:
        """Return the LUKS header on a disk that is in use."""
        return luks_header.parse(await self._head(number))

    async def _head(self, number: str) -> bytes:
        """Return the first bytes of a device; none of one that is gone. Raises FailedPrecondition on a read error."""

        def read() -> bytes:
            facts = self._sysfs.facts(number)
            if facts is None:
                return b""
            try:
                with self._node(facts).open("rb") as file:
                    return file.read(superblocks.HEAD_BYTES)
            except OSError as error:
                raise errors.FailedPrecondition(
                    f"device {number} cannot be read: {error.strerror}", error_code=Code.DEVICE_UNREADABLE
                ) from error

        return await self._threads.call(read, SECONDS, f"reading device {number}")

    async def set_read_only(self, number: str, *, read_only: bool) -> None:
        """Let the kernel refuse, or allow, every write to the device; one that is gone is left alone."""

        def change() -> None:
            if (facts := self._sysfs.facts(number)) is not None:
                block_control.set_read_only(str(self._node(facts)), read_only=read_only)

        await self._threads.call(change, SECONDS, f"device {number}")

    async def is_free(self, number: str) -> bool:
        """Tell whether no one on this host holds the device: no mount in any namespace, no stack, no program.

        What was written to it is on the disk then. A device that is gone is free.
        """
        return await self._threads.call(partial(self._is_free, number), SECONDS, f"opening device {number}")

    async def _wait(self, volume: VolumeSpec) -> Device | None:
        """Look until the device is there; a device that is another volume's may be replaced by the right one, too."""
        seconds = min(self._wait_seconds, max(0.0, deadlines.remaining() - LOOK_SECONDS))
        clock = asyncio.get_running_loop().time
        last = clock() + seconds
        device = await self._look_again(volume, late=seconds == 0)
        if device is not None or seconds == 0:
            return device
        with DirectoryWatch(self._folder) as watch:  # only now: the kernel takes up to 20 ms to end one
            while True:
                late = clock() >= last
                if (device := await self._look_again(volume, late=late)) is not None or late:
                    return device
                await watch.change(min(LOOK_SECONDS, max(0.0, last - clock())))

    async def _look_again(self, volume: VolumeSpec, *, late: bool) -> Device | None:
        """Look; what is not the volume's is no device yet, but an error when it is ``late``."""
        try:
            return await self._look(volume)
        except errors.FailedPrecondition:
            if late:
                raise
            return None

    async def _look(self, volume: VolumeSpec) -> Device | None:
        return await self._threads.call(partial(self._open, volume), SECONDS, f"opening the device of {volume.id}")

    def _open(self, volume: VolumeSpec) -> Device | None:
        """Open and prove, in a thread. If the link leads to another disk, the right one may still be in /sys."""
        refusal: errors.Refused | None = None
        for path in self._places(volume):
            try:
                if (device := self._open_path(path, volume)) is not None:
                    return device
            except errors.FailedPrecondition as error:
                refusal = refusal or error
        if refusal is not None:
            raise refusal
        return None

    def _places(self, volume: VolumeSpec) -> Iterator[Path]:
        """Yield the link, then the device nodes of the disks that carry the volume's name by the kernel's own word."""
        yield from self._named(volume)
        for facts in self._sysfs.disks():
            if identity.is_volume(volume, facts):
                yield Path("/dev") / facts.kernel_name

    def _named(self, volume: VolumeSpec) -> list[Path]:
        """Return where udev's link to the volume would be, by what each cloud's disks carry."""
        return [self._folder / f"{disk.link_prefix}{disk.told(volume.id, volume.name)}" for disk in DISKS]

    def _open_path(self, path: Path, volume: VolumeSpec) -> Device | None:
        try:
            real = path.resolve(strict=True)
            descriptor = os.open(real, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            if error.errno in block_control.GONE:
                return None
            raise errors.FailedPrecondition(
                f"cannot open {path} of volume {volume.id}: {error.strerror}", error_code=Code.DEVICE_UNREADABLE
            ) from error
        try:
            return self._prove(Device(str(real), descriptor, Facts("", "", 0)), volume)
        except BaseException:
            os.close(descriptor)
            raise

    def _open_mapper(self, mapper: Mapper) -> Device:
        """Open in a thread; the node is the kernel's own, since links in /dev/mapper are udev's."""
        path = Path("/dev") / mapper.kernel_name
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        facts = self._sysfs.facts(device_number(os.fstat(descriptor).st_rdev))
        if facts is None or facts.mapper != mapper.name:
            os.close(descriptor)
            raise errors.Unavailable(f"{path} is not mapper {mapper.name} any more", error_code=Code.DEVICE_CHANGED)
        return Device(str(path), descriptor, facts)

    def _prove(self, device: Device, volume: VolumeSpec) -> Device:
        status = os.fstat(device.descriptor)
        if not stat.S_ISBLK(status.st_mode):
            raise errors.FailedPrecondition(
                f"{device.path} of volume {volume.id} is not a block device", error_code=Code.DEVICE_FOREIGN
            )
        facts = self._sysfs.facts(device_number(status.st_rdev))
        if facts is None:
            raise errors.FailedPrecondition(
                f"{device.path} of volume {volume.id} is unknown to the kernel", error_code=Code.DEVICE_FOREIGN
            )
        own = self._sysfs.mapper(encryption.mapper_name(volume.id)) if volume.encryption is not None else None
        identity.prove(volume, facts, self._host_disks.numbers(), own.kernel_name if own is not None else "")
        proven = replace(device, facts=facts)
        if facts.size_bytes < volume.min_bytes:
            proven = self._rescan(proven)
        identity.check_size(volume, proven.facts)
        return proven

    def _rescan(self, device: Device) -> Device:
        self._sysfs.rescan(device.facts.kernel_name)
        return replace(device, facts=self._sysfs.facts(device.facts.number) or device.facts)

    def _is_free(self, number: str) -> bool:
        facts = self._sysfs.facts(number)
        if facts is None:
            return True
        return block_control.is_free(self._node(facts), flush=not identity.is_lost(facts))

    def _node(self, facts: Facts) -> Path:
        """Return a device node of the device. Raises Unavailable if there is none to be seen."""
        for path in (*self._links(), Path("/dev") / facts.kernel_name):
            if block_number(str(path)) == facts.number:
                return path
        raise errors.Unavailable(
            f"device {facts.number} ({facts.kernel_name}) has no node in {self._folder} or /dev",
            remedy="check that the host's /dev is mounted into this container",
            error_code=Code.HOST_MOUNTS,
        )

    def _links(self) -> tuple[Path, ...]:
        try:
            return tuple(link for disk in DISKS for link in self._folder.glob(f"{disk.link_prefix}*"))
        except OSError:
            return ()
