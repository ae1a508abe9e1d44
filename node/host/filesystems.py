"""Make, check and grow file systems. These programs take memory, so only a few of each kind run at once.

A check of a file system that is sound takes milliseconds, one that looks at every inode takes minutes, a format depends
on the disk alone: each has places of its own, so that none waits for another kind.
"""

import structlog

from common import errors
from node.formats import filesystem_argv
from node.formats.filesystem_argv import Checked
from node.host.command import Commands
from node.host.devices import Device
from node.host.slots import Slots
from node.records.requests import Filesystem

QUICK_SECONDS = 2.0  # a check that takes longer than this looks at every inode, and has no quick check's place

log = structlog.get_logger()


class Filesystems:
    """Runs about ``parallel`` programs of a kind; ``seconds`` is how long one may go without progress."""

    def __init__(self, commands: Commands, parallel: int, seconds: float) -> None:
        self._commands = commands
        self._formats = Slots(parallel)
        self._quick = Slots(parallel, QUICK_SECONDS)
        self._long = Slots(max(1, parallel // 2))
        self._seconds = seconds

    async def make(self, wanted: Filesystem, device: Device, *, wipe: bool, lazy: bool) -> None:
        """Make the file system; ``wipe`` removes old marks first, for ``lazy`` see ``filesystem_argv.mkfs``."""
        async with self._formats.place():
            if wipe:
                await self._check(device, "wipefs", "-q", "-a", "-f", device.pinned)
            await self._check(device, *filesystem_argv.mkfs(wanted, device.pinned, lazy=lazy))

    async def check(self, kind: str, device: Device, volume_id: str, *, marked: bool) -> Checked:
        """Repair what is safe to repair. Raises FailedPrecondition if more is wrong, OutcomeUnknown if that is unknown.

        ``marked``: the file system says of itself that it has errors, so all of it will be looked at.
        """
        argv = filesystem_argv.check(kind, device.pinned)
        if not argv:
            return Checked(repaired=False)
        checked = await self._fsck(argv, device, volume_id, self._long if marked else self._quick)
        if checked.unchecked:
            log.warning("not_checked", volume_id=volume_id, message=checked.unchecked)
        return checked

    async def grow_unmounted(self, device: Device, volume_id: str) -> None:
        """Grow an ext file system that is not mounted to the size of its device.

        If that fails, it is checked again, and stays as large as it is. Raises as ``check``.
        """
        checked = await self._fsck(filesystem_argv.check_all(device.pinned), device, volume_id, self._long)
        if checked.unchecked:
            return
        try:
            async with self._formats.place():
                await self._check(device, *filesystem_argv.grow_unmounted(device.pinned))
        except errors.DriverError as error:
            log.warning("not_grown", volume_id=volume_id, **errors.fields(error))
            await self._fsck(filesystem_argv.check_all(device.pinned), device, volume_id, self._long)

    async def grow_mounted(self, kind: str, device_path: str, path: str) -> None:
        """Grow a mounted file system to the size of its device. Raises OutcomeUnknown: nothing is lost if it fails."""
        argv = filesystem_argv.grow_mounted(kind, device_path, path)
        async with self._formats.place():
            await self._commands.check(*argv, seconds=self._seconds, writes=True)

    async def _fsck(self, argv: tuple[str, ...], device: Device, volume_id: str, slots: Slots) -> Checked:
        files = (device.descriptor,)
        async with slots.place():
            ended = await self._commands.run(*argv, seconds=self._seconds, files=files, writes=True)
        return filesystem_argv.read_check(ended.status, volume_id, ended.said)

    async def _check(self, device: Device, *argv: str) -> None:
        await self._commands.check(*argv, seconds=self._seconds, files=(device.descriptor,), writes=True)
