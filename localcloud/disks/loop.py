"""Disks on loop devices: each volume a sparse file, each droplet a folder in which its devices appear.

A volume's file is bound to one loop device while it is attached to a running droplet. The device node
``scsi-0DO_Volume_<name>`` in that droplet's folder is the only way to it that the cloud gives away. A detach under a
mount is like a pulled plug: the volume's data as of that moment goes on in a fresh file, and what the old device still
writes is lost, so two droplets never write to the same data.
"""

import asyncio
import logging
import os
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import TypeVarTuple

from localcloud.disks import files, loopdevices, throttle
from localcloud.disks.base import Disk, DiskError
from localcloud.disks.volume_files import Store, keep_only

Arguments = TypeVarTuple("Arguments")

NODE_PREFIX = "scsi-0DO_Volume_"
DEVICE_THREADS = 8
COPY_THREADS = 2

log = logging.getLogger(__name__)


class LoopDisks:
    """Disks below one state folder. Needs root."""

    def __init__(self, state: Path) -> None:
        state = state.resolve()
        self._store = Store(state)
        self._droplets = state / "droplets"
        self._droplets.mkdir(parents=True, exist_ok=True)
        self._bound: dict[str, int] = {}  # volume id to the number of its loop device
        self._nodes: dict[str, Path] = {}  # volume id to its device node
        self._paces: dict[str, int] = {}  # volume id to bytes a second, of those that are held back
        self._locks: dict[str, Lock] = {}  # by volume id: one thread at a time works on a disk
        self._devices = ThreadPoolExecutor(DEVICE_THREADS, thread_name_prefix="device")
        self._copies = ThreadPoolExecutor(COPY_THREADS, thread_name_prefix="copy")

    async def create(self, volume_id: str, size_gib: int, snapshot_id: str | None) -> None:
        """Make an empty sparse file, or copy that of the snapshot."""
        pool = self._devices if snapshot_id is None else self._copies
        await self._run(pool, self._store.make, volume_id, size_gib, snapshot_id)

    async def remove(self, volume_id: str) -> None:
        """Delete the file."""
        self._locks.pop(volume_id, None)
        self._paces.pop(volume_id, None)
        await self._run(self._devices, files.remove, self._store.file(volume_id))

    async def attach(self, disk: Disk) -> None:
        """Bind the file and make the device node."""
        await self._run(self._devices, self._locked, disk.volume_id, lambda: self._attach(disk))

    async def detach(self, disk: Disk) -> None:
        """Remove the device node and let go of the file, also under a mount."""
        await self._run(self._devices, self._locked, disk.volume_id, lambda: self._detach(disk))

    async def resize(self, volume_id: str, size_gib: int) -> None:
        """Grow the file and its live device."""
        await self._run(self._devices, self._locked, volume_id, lambda: self._resize(volume_id, size_gib))

    async def fail_writes(self, volume_id: str, *, fail: bool) -> None:
        """Make the file immutable, or not: a loop device passes the error on."""
        file = self._store.file(volume_id)
        await self._run(self._devices, self._locked, volume_id, lambda: files.fail_writes(file, fail=fail))

    async def set_pace(self, volume_id: str, bytes_per_second: int) -> None:
        """Hold back the device, now and at every later attach of this process."""
        await self._run(self._devices, self._locked, volume_id, lambda: self._set_pace(volume_id, bytes_per_second))

    async def snapshot(self, volume_id: str, snapshot_id: str) -> None:
        """Copy the file. What a droplet's kernel has not written yet is not in it, as with a real one."""
        source, target = self._store.file(volume_id), self._store.snapshot_file(snapshot_id)
        await self._run(self._copies, self._locked, volume_id, lambda: files.copy(source, target))

    async def remove_snapshot(self, snapshot_id: str) -> None:
        """Delete the snapshot's file."""
        await self._run(self._devices, files.remove, self._store.snapshot_file(snapshot_id))

    async def reconcile(self, disks: Sequence[Disk], snapshot_ids: Sequence[str], droplets: Mapping[int, bool]) -> None:
        """Adopt devices that live on, re-make those that are missing, drop what nothing uses."""
        await self._run(self._devices, self._reconcile, disks, snapshot_ids, droplets)

    async def switch_on(self, droplet_id: int) -> None:
        """Do nothing: a droplet is no more than the folder of its devices."""

    async def switch_off(self, droplet_id: int) -> None:
        """Do nothing."""

    async def discard(self, droplet_id: int) -> None:
        """Do nothing: the folder goes at the next start."""

    async def hang(self, volume_id: str, *, hang: bool) -> None:
        """Refuse: the kernel has no such fault."""
        if hang:
            raise DiskError(f"a loop device can't hang (volume {volume_id}); the droplets of --disks qemu can")

    async def close(self, *, for_good: bool) -> None:
        """Wait for the threads, then let go of the devices and remove their nodes."""
        await asyncio.to_thread(self._close, for_good=for_good)

    def used_bytes(self, volume_id: str) -> int | None:
        """Return the room that the file takes."""
        return self._store.used_bytes(volume_id)

    def device_folder(self, droplet_id: int) -> Path:
        """Return the folder of a droplet; it is made when it is missing."""
        folder = self._droplets / str(droplet_id) / "dev"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _locked(self, volume_id: str, work: Callable[[], None]) -> None:
        with self._locks.setdefault(volume_id, Lock()):
            work()

    def _attach(self, disk: Disk) -> None:
        number = self._bound.get(disk.volume_id)
        if number is None:
            with files.writable(self._store.file(disk.volume_id)):
                number = self._bound[disk.volume_id] = loopdevices.bind(self._store.file(disk.volume_id))
            if bytes_per_second := self._paces.get(disk.volume_id):
                throttle.limit(_device(number), bytes_per_second)
        self._nodes[disk.volume_id] = self._node(disk)
        loopdevices.make_node(self._node(disk), loopdevices.device_number(number))

    def _detach(self, disk: Disk) -> None:
        self._node(disk).unlink(missing_ok=True)
        number = self._bound.pop(disk.volume_id, None)
        if number is not None and not _let_go(number, str(self._store.file(disk.volume_id))):
            self._pull_the_plug(disk.volume_id)

    def _set_pace(self, volume_id: str, bytes_per_second: int) -> None:
        if bytes_per_second and not throttle.CONTROLLER.is_dir():
            raise DiskError(f"no {throttle.CONTROLLER}: a slow disk needs cgroup v1's blkio; --disks qemu needs none")
        self._paces[volume_id] = bytes_per_second
        number = self._bound.get(volume_id)
        if number is None:
            return
        if bytes_per_second:
            throttle.limit(_device(number), bytes_per_second)
        else:
            throttle.release(_device(number))

    def _pull_the_plug(self, volume_id: str) -> None:
        """Carry on with a copy of the data; the device that is still in use keeps the old file, now empty."""
        file = self._store.file(volume_id)
        files.fail_writes(file, fail=False)
        with file.open("r+b") as old:
            files.copy(file, file)
            old.truncate(0)
        log.warning("volume %s was detached while in use: its old device reads and writes nothing now", volume_id)

    def _resize(self, volume_id: str, size_gib: int) -> None:
        self._store.grow(volume_id, size_gib)
        number = self._bound.get(volume_id)
        if number is not None:
            loopdevices.grow(number)

    def _reconcile(self, disks: Sequence[Disk], snapshot_ids: Sequence[str], droplet_ids: Collection[int]) -> None:
        self._check_devices()
        self._store.check(disks)
        self._adopt({str(self._store.file(disk.volume_id)): disk for disk in disks if disk.droplet_id is not None})
        self._store.keep_only(disks, snapshot_ids)
        self._drop_nodes(disks, droplet_ids)
        for disk in disks:
            self._resize(disk.volume_id, disk.size_gib)
            if disk.droplet_id is not None:
                self._attach(disk)

    def _check_devices(self) -> None:
        """Raise DiskError where a device node can't be made and opened: better now than at the first attach."""
        probe = self._droplets / ".probe"
        try:
            loopdevices.make_node(probe, loopdevices.device_number(0))
            os.close(os.open(probe, os.O_RDONLY | os.O_CLOEXEC))
        except OSError as error:
            raise DiskError(
                f"no device nodes in {self._droplets}: {error.strerror}; loop devices need root and a file system"
                " without nodev, and --disks none needs neither"
            ) from error
        finally:
            probe.unlink(missing_ok=True)

    def _adopt(self, attached: dict[str, Disk]) -> None:
        """Take over our devices that outlived us, and let go of those that are not wanted."""
        for number, backing in loopdevices.bound_below(self._store.volumes).items():
            disk = attached.get(backing)
            if disk is not None and disk.volume_id not in self._bound:
                throttle.release(_device(number))
                loopdevices.keep(number)
                self._bound[disk.volume_id] = number
            elif not _let_go(number, backing) and Path(backing).exists():
                self._pull_the_plug(Path(backing).stem)

    def _drop_nodes(self, disks: Sequence[Disk], droplet_ids: Collection[int]) -> None:
        wanted = {self._node(disk) for disk in disks if disk.droplet_id is not None}
        folders = {self._droplets / str(droplet_id) for droplet_id in droplet_ids}
        for droplet_id in droplet_ids:
            self.device_folder(droplet_id)
        for folder in self._droplets.iterdir():
            if folder not in folders:
                shutil.rmtree(folder)
                continue
            for node in (folder / "dev").iterdir():
                if node not in wanted:
                    node.unlink()

    def _close(self, *, for_good: bool) -> None:
        self._copies.shutdown()
        self._devices.shutdown()
        for volume_id, number in self._bound.items():
            if for_good or not loopdevices.is_mounted(number):
                if volume_id in self._nodes:  # first: the number may soon be another disk's
                    self._nodes[volume_id].unlink(missing_ok=True)
                _let_go(number, str(self._store.file(volume_id)))
        if for_good:
            keep_only(self._store.volumes, set())

    def _node(self, disk: Disk) -> Path:
        if disk.droplet_id is None:
            raise DiskError(
                f"volume {disk.volume_id} is attached to no running droplet: attach it, or power its droplet on"
            )
        return self.device_folder(disk.droplet_id) / f"{NODE_PREFIX}{disk.name}"

    async def _run(
        self,
        pool: ThreadPoolExecutor,
        work: Callable[[*Arguments], None],
        *arguments: *Arguments,
    ) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(pool, work, *arguments)
        except OSError as error:
            raise DiskError(str(error)) from error


def _let_go(number: int, backing: str) -> bool:
    """Unbind a device, at full speed: its number may soon be another disk's. Return whether no one uses it."""
    throttle.release(_device(number))
    return loopdevices.unbind(number, backing)


def _device(number: int) -> str:
    """Return the ``major:minor`` of a loop device."""
    device = loopdevices.device_number(number)
    return f"{os.major(device)}:{os.minor(device)}"
