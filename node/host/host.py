"""The host as one object: what staging, publishing, expansion, stats and health act on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from common import errors
from node.codes import Code
from node.formats.mountinfo import MountTable
from node.formats.record_json import Entry, Record
from node.host import paths
from node.host.devices import Devices
from node.host.filesystems import Filesystems
from node.host.leftover_programs import LeftoverPrograms
from node.host.luks import Luks
from node.host.mounts import Mounts, mount_around, mounts_at, read_table
from node.host.probe import Prober
from node.host.state import REMEDY, StateFolder
from node.host.sysfs import Sysfs
from node.host.threads import SECONDS, Threads
from node.records.kernel import Facts, Mapper, Mount
from node.rules import condition, encryption

KEEP_SECONDS = 10.0


@dataclass(frozen=True)
class Glance:
    """A path as it is now."""

    path: str  # as mountinfo has it
    mounted: tuple[Mount, ...]  # at the path, the mount that is seen there last
    block: str  # the number of the block device that is seen there; empty: none
    under: Mount | None  # the mount in which the path lies, if nothing is mounted at it


@dataclass(frozen=True)
class Host:
    """Its parts, made once in ``wiring``."""

    threads: Threads
    sysfs: Sysfs
    devices: Devices
    prober: Prober
    filesystems: Filesystems
    luks: Luks
    mounts: Mounts
    state: StateFolder
    orphans: LeftoverPrograms
    kubelet_dir: Path  # no path of a request leads out of it

    async def glance(self, path: str) -> Glance:
        """Look at a path, not at what is mounted there. Raises Unavailable if an earlier call is at work there."""
        return await self.threads.call(
            partial(_glance, path, self.kubelet_dir, self.orphans), SECONDS, f"looking at {path}"
        )

    async def resolve(self, path: str) -> str:
        """Return ``path`` as mountinfo has it. Raises InvalidArgument if it leads out of kubelet's directory."""
        return await self.threads.call(partial(_resolve, path, self.kubelet_dir), SECONDS, f"resolving {path}")

    async def table_at(self, path: str) -> tuple[str, MountTable]:
        """Return ``path`` as mountinfo has it, and all mounts. Raises Unavailable if an earlier call works there."""
        return await self.threads.call(
            partial(_table_at, path, self.kubelet_dir, self.orphans), SECONDS, f"looking at {path}"
        )

    async def shows(self, path: str, number: str) -> bool:
        """Tell whether a file system of the device ``number``, or its node, is what is seen at ``path``."""
        return await self.threads.call(partial(_shows, path, number), SECONDS, f"looking at {path}")

    async def mapper(self, volume_id: str) -> Mapper | None:
        """Return the mapper of an encrypted volume. Raises Unavailable if a program of an earlier life works on it."""
        name = encryption.mapper_name(volume_id)
        look = partial(_mapper, name, self.sysfs, self.orphans)
        return await self.threads.call(look, SECONDS, f"looking for mapper {name}")

    async def facts(self, number: str) -> Facts | None:
        """Return what the kernel says of a device, or None if it is gone."""
        return await self.threads.call(partial(self.sysfs.facts, number), SECONDS, f"device {number}")

    @asynccontextmanager
    async def doubting(self, volume_id: str, disk: Facts) -> AsyncIterator[None]:
        """Blame the disk for what fails while it answers with I/O errors: raise OutcomeUnknown, never a final error."""
        try:
            yield
        except (errors.FailedPrecondition, errors.OutcomeUnknown) as failed:
            doubt = condition.doubt(volume_id, failed, disk, await self.facts(disk.number))
            if doubt is None:
                raise
            raise doubt from failed

    async def remember(self, record: Entry, *, sync: bool = False, before: Callable[[], None] = lambda: None) -> None:
        """Write a record to the journal, after ``before``, which blocks. Raises Unavailable if that fails."""

        def work() -> None:
            before()
            self.state.write(record, sync=sync)

        await self._state(work)

    async def forget(self, kind: type[Record], key: str, *, before: Callable[[], None] = lambda: None) -> None:
        """Remove a record from the journal, after ``before``, which blocks."""

        def work() -> None:
            before()
            self.state.remove(kind, key)

        await self._state(work)

    async def keep_state(self) -> None:
        """Look after the state directory for ever: a process that is started again reads what is there then."""
        while True:
            await asyncio.sleep(KEEP_SECONDS)  # noqa: TID251  # the directory that a watch would be in is what goes
            with suppress(errors.NotFinal):  # the next call says so, if it has something to write
                await self._state(self.state.keep)

    async def _state(self, work: Callable[[], None]) -> None:
        try:
            await self.threads.call(work, SECONDS, "writing the journal")
        except OSError as error:
            raise errors.Unavailable(
                f"cannot write the node's journal: {error}", remedy=REMEDY, error_code=Code.STATE
            ) from error


def _resolve(path: str, kubelet_dir: Path) -> str:
    real = paths.resolve(path)
    paths.check_inside(real, kubelet_dir)
    return real


def _glance(path: str, kubelet_dir: Path, orphans: LeftoverPrograms) -> Glance:
    """The mounts are read only if there is one at the path: a node may have thousands of others."""
    real = _resolve(path, kubelet_dir)
    orphans.check(real)
    with suppress(OSError):
        around, seen = paths.mount_ids(real)
        if seen in {around, 0} and (under := mount_around(real)) is not None and under.id == around:
            return Glance(real, (), "", under)
    if mounted := mounts_at(real):
        return Glance(real, mounted, _block(real, mounted), None)
    table = read_table()
    mounted = table.at(real)
    under = None if mounted else table.covering(real)
    return Glance(real, mounted, _block(real, mounted), under)


def _block(path: str, mounted: tuple[Mount, ...]) -> str:
    """Only a device node's own file is asked for its number: asking a dead mount would hang."""
    is_node = bool(mounted) and mounted[-1].root != "/" and paths.may_be_node(mounted[-1].kind)
    return paths.block_number(path) if is_node else ""


def _table_at(path: str, kubelet_dir: Path, orphans: LeftoverPrograms) -> tuple[str, MountTable]:
    real = _resolve(path, kubelet_dir)
    orphans.check(real)
    return real, read_table()


def _shows(path: str, number: str) -> bool:
    """A btrfs has another number than its device, so that only the mounts tell."""
    if number in {paths.filesystem_number(path), paths.block_number(path)}:
        return True
    mounted = mounts_at(path)
    return bool(mounted) and mounted[-1].number == number


def _mapper(name: str, sysfs: Sysfs, orphans: LeftoverPrograms) -> Mapper | None:
    orphans.check(name)
    return sysfs.mapper(name)
