"""Make, check and grow file systems. These programs take memory, so only a few of each kind run at once.

A check of a file system that is sound takes milliseconds, one that looks at every inode takes minutes, a format depends
on the disk alone: each has places of its own, so that none waits for another kind.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog

from common import errors
from node.codes import Code
from node.formats import exit_status, filesystem_argv
from node.formats.filesystem_argv import Checked
from node.host.command import Commands, Ended
from node.host.devices import Device
from node.host.slots import Slots
from node.host.state import REMEDY, file_name
from node.host.threads import SECONDS, Threads
from node.records.requests import Filesystem

QUICK_SECONDS = 2.0  # a check that takes longer than this looks at every inode, and has no quick check's place

log = structlog.get_logger()

Result = TypeVar("Result")


class Filesystems:
    """Runs about ``parallel`` programs of a kind; ``seconds`` is how long one may go without progress."""

    def __init__(self, commands: Commands, threads: Threads, folder: Path, parallel: int, seconds: float) -> None:
        """``folder`` keeps what is needed to undo a growth; it is made when it is needed."""
        self._commands = commands
        self._threads = threads
        self._folder = folder
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

    async def grow_unmounted(self, device: Device, volume_id: str, *, undoable: bool) -> None:
        """Grow an ext file system that is not mounted to the size of its device.

        If that fails, it is checked again, and stays as large as it is. resize2fs writes everything at its end, and
        one that is killed there leaves what e2fsck does not repair by itself. So what it overwrites is kept in a file,
        unless it is not ``undoable``: the file of an encrypted volume would hold plain text. Raises as ``check``.
        """
        checked = await self._fsck(filesystem_argv.check_all(device.pinned), device, volume_id, self._long)
        if checked.unchecked:
            return
        undo_file = self._undo_file(volume_id)
        try:
            await self._in_thread(partial(_make_room, undo_file))
            async with self._formats.place():
                argv = filesystem_argv.grow_unmounted(device.pinned, str(undo_file) if undoable else "")
                await self._check(device, *argv)
        except errors.DriverError as error:
            log.warning("not_grown", volume_id=volume_id, **errors.fields(error))
            await self.undo_growth(device, volume_id)
            await self._fsck(filesystem_argv.check_all(device.pinned), device, volume_id, self._long)
        await self._in_thread(partial(_forget, undo_file))

    async def undo_growth(self, device: Device, volume_id: str) -> bool:
        """Put back what a growth has overwritten that was interrupted; return whether there was one.

        e2undo refuses a file that is of no use: one that was not written to its end before the growth began, or of a
        file system that was changed since. It has changed nothing then. Raises OutcomeUnknown if it was killed, had no
        memory or met I/O errors: the file is needed again.
        """
        undo_file = self._undo_file(volume_id)
        if not await self._in_thread(partial(_exists, undo_file)):
            return False
        async with self._formats.place():
            argv = filesystem_argv.undo_growth(device.pinned, str(undo_file))
            ended = await self._run(argv, device)
        _log_interrupted(volume_id, ended)
        if ended.status != 0 and exit_status.may_pass(ended.said):
            raise errors.OutcomeUnknown(
                f"a growth of volume {volume_id} was interrupted, and could not be undone: {ended.words}",
                error_code=Code.CHECK_UNFINISHED,
            )
        await self._in_thread(partial(_forget, undo_file))
        return True

    async def grow_mounted(self, kind: str, device_path: str, path: str) -> None:
        """Grow a mounted file system to the size of its device. Raises OutcomeUnknown: nothing is lost if it fails."""
        argv = filesystem_argv.grow_mounted(kind, device_path, path)
        async with self._formats.place():
            await self._commands.check(*argv, seconds=self._seconds, writes=True)

    async def _fsck(self, argv: tuple[str, ...], device: Device, volume_id: str, slots: Slots) -> Checked:
        async with slots.place():
            ended = await self._run(argv, device)
            if filesystem_argv.is_torn_growth(ended.status, ended.said):
                _log_interrupted(volume_id, ended)
                await self._run(filesystem_argv.clear_resize_inode(device.pinned), device)
                ended = await self._run(filesystem_argv.check_all(device.pinned), device)
        return filesystem_argv.read_check(ended.status, volume_id, ended.said)

    async def _run(self, argv: tuple[str, ...], device: Device) -> Ended:
        return await self._commands.run(*argv, seconds=self._seconds, files=(device.descriptor,), writes=True)

    def _undo_file(self, volume_id: str) -> Path:
        return self._folder / f"{file_name(volume_id)}.e2undo"

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        """Work on the folder. Raises Unavailable if that fails."""
        try:
            return await self._threads.call(work, SECONDS, f"looking at {self._folder}")
        except OSError as error:
            raise errors.Unavailable(
                f"{self._folder} cannot be written: {error}", remedy=REMEDY, error_code=Code.STATE
            ) from error

    async def _check(self, device: Device, *argv: str) -> None:
        await self._commands.check(*argv, seconds=self._seconds, files=(device.descriptor,), writes=True)


def _log_interrupted(volume_id: str, ended: Ended) -> None:
    log.info("growth_interrupted", volume_id=volume_id, message=ended.words)


def _exists(undo_file: Path) -> bool:
    return undo_file.exists()


def _make_room(undo_file: Path) -> None:
    undo_file.parent.mkdir(mode=0o700, exist_ok=True)
    undo_file.unlink(missing_ok=True)


def _forget(undo_file: Path) -> None:
    with suppress(OSError):  # e2undo will refuse it
        undo_file.unlink(missing_ok=True)
