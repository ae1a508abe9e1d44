"""Droplets as virtual machines: each volume a sparse file, each droplet a QEMU guest that sees it as a SCSI disk.

A guest's folder is ``droplets/<id>`` in the state folder. A guest outlives a cloud that is killed, and the next start
takes it over; a cloud that is told to end ends its guests. A droplet keeps its root while it is off.
"""

import asyncio
import shutil
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from localcloud.disks import files
from localcloud.disks.base import Disk, DiskError, Trouble
from localcloud.disks.volume_files import Store
from localcloud.guests.drives import Drive
from localcloud.guests.errors import GuestError
from localcloud.guests.guest import Guest
from localcloud.guests.machine import Image, Machine, Metadata

METADATA_SOCKET = "metadata.sock"
METADATA_PREFIX = "/_localcloud/droplets/{}"


class GuestDisks:
    """Disks and machines below one state folder."""

    def __init__(self, state: Path, image: Image, driver: Path | None, memory_mib: int) -> None:
        self._state = state.resolve()
        self._store = Store(self._state)
        self._droplets = self._state / "droplets"
        self._droplets.mkdir(parents=True, exist_ok=True)
        self._image = image
        self._machine = Machine(
            driver=None if driver is None else driver.resolve(), memory_mib=memory_mib, durable=True
        )
        self._guests: dict[int, Guest] = {}
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)  # by droplet
        self._attached: dict[str, Disk] = {}  # by volume
        self._troubles: defaultdict[str, Trouble] = defaultdict(Trouble)  # by volume

    async def create(self, volume_id: str, size_gib: int, snapshot_id: str | None) -> None:
        """Make the file."""
        async with _disk_errors():
            await asyncio.to_thread(self._store.make, volume_id, size_gib, snapshot_id)

    async def remove(self, volume_id: str) -> None:
        """Delete the file."""
        self._troubles.pop(volume_id, None)
        async with _disk_errors():
            await asyncio.to_thread(files.remove, self._store.file(volume_id))

    async def attach(self, disk: Disk) -> None:
        """Plug a SCSI disk into the guest; nothing happens while it is off."""
        async with self._guest_of(disk) as guest:
            if guest is None:
                return
            await guest.drives.attach(Drive(disk.name, self._store.file(disk.volume_id)))
            self._attached[disk.volume_id] = disk
            if (trouble := self._troubles.get(disk.volume_id)) is not None:
                await self._apply(guest, disk, trouble)

    async def detach(self, disk: Disk) -> None:
        """Pull the SCSI disk out of the guest, whatever it does with it."""
        async with self._guest_of(disk) as guest:
            self._attached.pop(disk.volume_id, None)
            if guest is not None:
                await guest.drives.detach(disk.name)

    async def resize(self, volume_id: str, size_gib: int) -> None:
        """Grow the file, and the disk in the guest."""
        async with _disk_errors():
            await asyncio.to_thread(self._store.grow, volume_id, size_gib)
        async with self._seen(volume_id) as (guest, disk):
            if guest is not None:
                await guest.drives.resize(disk.name, size_gib * files.GIB)

    async def fail_writes(self, volume_id: str, *, fail: bool) -> None:
        """Let QEMU answer writes with an error."""
        await self._trouble(volume_id, replace(self._troubles[volume_id], fails_writes=fail))

    async def set_pace(self, volume_id: str, bytes_per_second: int) -> None:
        """Let QEMU hold the disk back."""
        await self._trouble(volume_id, replace(self._troubles[volume_id], bytes_per_second=bytes_per_second))

    async def hang(self, volume_id: str, *, hang: bool) -> None:
        """Let QEMU keep reads and writes waiting."""
        await self._trouble(volume_id, replace(self._troubles[volume_id], hangs=hang))

    async def snapshot(self, volume_id: str, snapshot_id: str) -> None:
        """Copy the file. What a droplet's kernel has not written yet is not in it, as with a real one."""
        source, target = self._store.file(volume_id), self._store.snapshot_file(snapshot_id)
        async with _disk_errors():
            await asyncio.to_thread(files.copy, source, target)

    async def remove_snapshot(self, snapshot_id: str) -> None:
        """Delete the snapshot's file."""
        async with _disk_errors():
            await asyncio.to_thread(files.remove, self._store.snapshot_file(snapshot_id))

    async def switch_on(self, droplet_id: int) -> None:
        """Start the guest, if it does not run; it boots by itself."""
        async with self._locks[droplet_id], _disk_errors():
            guest = self._guests.setdefault(droplet_id, self._guest(droplet_id))
            if not guest.running:
                await guest.end()
                await guest.switch_on()

    async def switch_off(self, droplet_id: int) -> None:
        """End the guest as a power cut does; its root stays."""
        async with self._locks[droplet_id], _disk_errors():
            if (guest := self._guests.get(droplet_id)) is not None:
                await guest.end()

    async def discard(self, droplet_id: int) -> None:
        """End the guest and remove its folder."""
        await self.switch_off(droplet_id)
        self._guests.pop(droplet_id, None)
        await asyncio.to_thread(shutil.rmtree, self._folder(droplet_id), ignore_errors=True)

    async def reconcile(self, disks: Sequence[Disk], snapshot_ids: Sequence[str], droplets: Mapping[int, bool]) -> None:
        """Take over guests that live on, start those that are missing, end the others; then plug and unplug."""
        async with _disk_errors():
            self._store.check(disks)
            known = {int(folder.name) for folder in self._droplets.iterdir()}
            for droplet_id in sorted(known | droplets.keys()):
                self._guests[droplet_id] = guest = self._guest(droplet_id)
                wanted = [disk for disk in disks if disk.droplet_id == droplet_id]
                if await guest.adopt() and droplets.get(droplet_id, False):
                    await guest.drives.keep_only({disk.name for disk in wanted})
        for droplet_id in known | droplets.keys():  # unplugged everywhere before it is plugged in anywhere
            if droplet_id not in droplets:
                await self.discard(droplet_id)
            else:
                await (self.switch_on if droplets[droplet_id] else self.switch_off)(droplet_id)
        async with _disk_errors():
            self._store.keep_only(disks, snapshot_ids)
        for disk in disks:
            if disk.droplet_id is not None:
                await self.attach(disk)
            await self.resize(disk.volume_id, disk.size_gib)

    async def close(self, *, for_good: bool) -> None:
        """End all guests; the next start starts them again."""
        end = self.discard if for_good else self.switch_off
        await asyncio.gather(*(end(droplet_id) for droplet_id in list(self._guests)))

    def used_bytes(self, volume_id: str) -> int | None:
        """Return the room that the file takes."""
        return self._store.used_bytes(volume_id)

    def device_folder(self, droplet_id: int) -> None:
        """Return None: a droplet's devices are in it."""

    def _folder(self, droplet_id: int) -> Path:
        return self._droplets / str(droplet_id)

    def _guest(self, droplet_id: int) -> Guest:
        socket = Path("../..") / METADATA_SOCKET  # from the guest's folder: a whole path may be too long for a socket
        metadata = Metadata(socket, METADATA_PREFIX.format(droplet_id))
        machine = replace(self._machine, droplet_id=droplet_id, metadata=metadata)
        return Guest(self._folder(droplet_id), self._image, machine, dies_with_us=False)

    async def _trouble(self, volume_id: str, trouble: Trouble) -> None:
        self._troubles[volume_id] = trouble
        async with self._seen(volume_id) as (guest, disk):
            if guest is not None:
                await self._apply(guest, disk, trouble)

    async def _apply(self, guest: Guest, disk: Disk, trouble: Trouble) -> None:
        await guest.drives.hold(disk.name, trouble.bytes_per_second)
        await guest.drives.fail(disk.name, *(["write"] if trouble.fails_writes else []))
        if trouble.hangs:
            await guest.drives.hang(disk.name)

    @asynccontextmanager
    async def _guest_of(self, disk: Disk) -> AsyncIterator[Guest | None]:
        """Give the running guest that must see the disk, or none; no one else plugs there meanwhile."""
        droplet_id = disk.droplet_id or 0
        async with self._locks[droplet_id], _disk_errors():
            guest = self._guests.get(droplet_id)
            yield guest if guest is not None and guest.running else None

    @asynccontextmanager
    async def _seen(self, volume_id: str) -> AsyncIterator[tuple[Guest | None, Disk]]:
        """Give the guest that sees the volume, or none."""
        disk = self._attached.get(volume_id, Disk(volume_id, "", 0, None))
        async with self._guest_of(disk) as guest:
            yield guest, disk


@asynccontextmanager
async def _disk_errors() -> AsyncIterator[None]:
    try:
        yield
    except (GuestError, OSError) as error:
        raise DiskError(str(error)) from error
