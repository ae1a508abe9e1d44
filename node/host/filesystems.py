"""Make, check and grow file systems. These programs take memory and time, so only a few run at once."""

import asyncio

from node.formats import filesystem_argv
from node.formats.filesystem_argv import Checked
from node.host.command import Commands
from node.host.devices import Device
from node.records.requests import Filesystem


class Filesystems:
    """Runs at most ``parallel`` heavy programs; ``seconds`` is the longest run of one."""

    def __init__(self, commands: Commands, parallel: int, seconds: float) -> None:
        self._commands = commands
        self._places = asyncio.Semaphore(parallel)
        self._seconds = seconds

    async def make(self, wanted: Filesystem, device: Device, *, wipe: bool, lazy: bool) -> None:
        """Make the file system; ``wipe`` removes old marks first, for ``lazy`` see ``programs.mkfs``."""
        async with self._places:
            if wipe:
                await self._check(device, "wipefs", "-q", "-a", "-f", device.pinned)
            await self._check(device, *filesystem_argv.mkfs(wanted, device.pinned, lazy=lazy))

    async def check(self, kind: str, device: Device, volume_id: str) -> Checked:
        """Repair what is safe to repair. Raises FailedPrecondition if more is wrong."""
        argv = filesystem_argv.check(kind, device.pinned)
        return await self._fsck(argv, device, volume_id) if argv else Checked(repaired=False)

    async def grow_unmounted(self, device: Device, volume_id: str) -> None:
        """Grow an ext file system that is not mounted to the size of its device."""
        await self._fsck(filesystem_argv.check_all(device.pinned), device, volume_id)
        async with self._places:
            await self._check(device, *filesystem_argv.grow_unmounted(device.pinned))

    async def grow_mounted(self, kind: str, device_path: str, path: str) -> None:
        """Grow a mounted file system to the size of its device."""
        async with self._places:
            await self._commands.check(*filesystem_argv.grow_mounted(kind, device_path, path), seconds=self._seconds)

    async def _fsck(self, argv: tuple[str, ...], device: Device, volume_id: str) -> Checked:
        async with self._places:
            ended = await self._commands.run(*argv, seconds=self._seconds, files=(device.descriptor,))
        return filesystem_argv.read_check(ended.status, volume_id, ended.said)

    async def _check(self, device: Device, *argv: str) -> None:
        await self._commands.check(*argv, seconds=self._seconds, files=(device.descriptor,))
