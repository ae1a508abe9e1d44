"""Unstage a volume: unmount it, and return only when the kernel has let the device go.

While umount hangs, the mount is gone from mountinfo already: "not mounted" does not mean "flushed". So the device is
asked, also by a repeated call after a restart: what is remembered of the staging names it.

Source: CSI 1.13 "NodeUnstageVolume".
"""

import asyncio
from contextlib import suppress
from functools import partial

import structlog

from common import call_log, deadlines, errors
from node import block_use
from node.codes import Code
from node.formats.mountinfo import MountTable
from node.host.host import Host
from node.host.volume_locks import VolumeLocks
from node.records.kernel import Facts, Mapper, Mount
from node.records.requests import VolumePath
from node.records.state import Published, Staged
from node.rules import identity, mount_refs

RELEASE_SECONDS = 30.0  # for the kernel to let go of a device after its last unmount
RELEASE_PAUSE = 0.05

log = structlog.get_logger()


class Unstaging:
    """Unstages volumes; each volume and each path has one call at a time."""

    def __init__(self, host: Host, turns: VolumeLocks) -> None:
        self._host = host
        self._turns = turns

    async def unstage(self, place: VolumePath) -> None:
        """Make it so that nothing is mounted at the staging path and the kernel has let go of the device."""
        await self._turns.take((place.volume_id, place.path), partial(self._unstage, place))

    async def _unstage(self, place: VolumePath) -> None:
        path, table = await self._host.table_at(place.path)
        mounted = table.at(path)
        known = self._host.state.read(Staged, place.volume_id)
        self._refuse_foreign(place, path)
        await self._refuse_unknown(place, known, mounted)
        call_log.tell(outcome="unstaged" if mounted or (known is not None and path in known.paths) else "was_unstaged")
        if await self._is_staged_elsewhere(place, known, path, table):
            return
        if known is not None and path not in known.paths:
            known = None  # staged at another path, without a mount; this one has only to be empty
            mapper = None
        else:
            mapper = await self._mapper(place, known)
        remembered = await self._remembered(known, mapper)
        numbers = {mount.number for mount in mounted} | remembered
        self._refuse_while_published(place, path, table, numbers)
        if mounted and known is None:  # staged by another driver: this call may be interrupted, too
            top = mounted[-1]
            known = Staged(place.volume_id, "", path, top.number, top.kind)
            with suppress(errors.Unavailable):  # a directory that is full keeps nobody from unstaging
                await self._host.remember(known)
        await self._host.mounts.unmount_all(mounted)
        await self._release(place, known, mapper, numbers)
        if known is not None and known.set_read_only and remembered:
            await self._host.devices.set_read_only(known.number, read_only=False)
        if known is not None:
            await self._host.forget(Staged, place.volume_id)

    async def _is_staged_elsewhere(self, place: VolumePath, known: Staged | None, path: str, table: MountTable) -> bool:
        """Undo one of several stagings of a volume; the last one waits until the device is free."""
        mounted = table.at(path)
        numbers = {mount.number for mount in mounted} or ({known.number} if known is not None else set())
        points = [mount.point for number in numbers for mount in table.of(number)]
        others = mount_refs.other_stagings(points, known.paths if known is not None else (), path)
        if not others:
            return False
        log.info("staged_elsewhere", volume_id=place.volume_id, path=path, at=others)
        await self._host.mounts.unmount_all(mounted)
        if known is not None and path in known.paths and (left := known.without(path)) is not None:
            with suppress(errors.Unavailable):  # a path without a mount is no staging: the last unstage removes it
                await self._host.remember(left)
        return True

    async def _release(self, place: VolumePath, known: Staged | None, mapper: Mapper | None, numbers: set[str]) -> None:
        """Wait until no one holds the device, close its mapper, wait for the disk below."""
        disks = {known.disk if known is not None else "", mapper.disk if mapper is not None else ""}
        for number in sorted(numbers - disks):
            await self._wait_until_free(place, number)
        if mapper is not None:
            await self._host.luks.close(place.volume_id, mapper)
        for number in sorted(numbers & disks):
            await self._wait_until_free(place, number)

    async def _mapper(self, place: VolumePath, known: Staged | None) -> Mapper | None:
        """Return the volume's mapper, if it may have one: an interrupted call may have left it open, unremembered."""
        return await self._host.mapper(place.volume_id) if known is None or known.disk else None

    async def _remembered(self, known: Staged | None, mapper: Mapper | None) -> set[str]:
        """Return the numbers of the device that was staged and of what is below it, unless others have them by now."""
        found = {number for number in (mapper.number, mapper.disk) if number} if mapper is not None else set()
        for number in (known.number, known.disk) if known is not None else ():
            facts = await self._host.facts(number) if number else None
            if known is not None and facts is not None and _is_still(known, facts):
                found.add(number)
        return found

    def _refuse_foreign(self, place: VolumePath, path: str) -> None:
        """A path at which another volume is staged, or anything is published, is not unstaged by mistake."""
        staged = {each: record.volume_id for record in self._host.state.all(Staged) for each in record.paths}
        taken_by = staged.get(path, place.volume_id)
        if taken_by != place.volume_id or self._host.state.read(Published, path) is not None:
            raise errors.FailedPrecondition(
                f"{path} is not a staging path of volume {place.volume_id}", error_code=Code.FOREIGN_MOUNT
            )

    async def _refuse_unknown(self, place: VolumePath, known: Staged | None, mounted: tuple[Mount, ...]) -> None:
        """What is mounted there, and this driver has not mounted, has to be a volume of the cloud."""
        if known is None or not mounted or mounted[-1].number != known.number:
            for mount in mounted:
                identity.check_unrecorded(place.volume_id, mount, await self._host.facts(mount.number))

    def _refuse_while_published(self, place: VolumePath, path: str, table: MountTable, numbers: set[str]) -> None:
        published = [each for each in self._host.state.all(Published) if each.volume_id == place.volume_id]
        live = {each.target for each in published if table.at(each.target)}
        known = self._host.state.read(Staged, place.volume_id)
        for number in numbers:
            points = [mount.point for mount in table.of(number)]
            live |= set(mount_refs.uses(points, known.paths if known is not None else (), path))
        if live:
            raise errors.FailedPrecondition(
                f"volume {place.volume_id} is still published at {', '.join(sorted(live))}",
                remedy="unpublish it there first (delete the pods that use it)",
                error_code=Code.STILL_PUBLISHED,
            )

    async def _wait_until_free(self, place: VolumePath, number: str) -> None:
        """Return when no one holds the device. Raises Unavailable, naming who does, if that takes too long."""
        clock = asyncio.get_running_loop().time
        last = clock() + min(RELEASE_SECONDS, max(0.0, deadlines.remaining() - 1.0))
        while not await self._host.devices.is_free(number):
            if clock() >= last:
                raise await self._still_used(place, number)
            await asyncio.sleep(RELEASE_PAUSE)  # noqa: TID251  # the kernel tells nobody when a device becomes free

    async def _still_used(self, place: VolumePath, number: str) -> errors.Unavailable:
        facts = await self._host.facts(number)
        seen = "" if facts is None else await block_use.users(self._host, f"/dev/{facts.kernel_name}", facts)
        by = seen or "what this node does not see, as a mount that was taken away lazily (umount -l)"
        return errors.Unavailable(
            f"the kernel still uses device {number} of volume {place.volume_id}: {by}",
            remedy="end the processes that keep it mounted, unmount its partitions, and take it out of its stacks "
            "(vgchange -an, cryptsetup close, losetup -d); it is not safe to detach until then",
            error_code=Code.STILL_IN_USE,
        )


def _is_still(known: Staged, facts: Facts) -> bool:
    """Tell whether the device is what was staged: it carries the volume's name, or lives on without its file."""
    same = not known.volume_name or identity.carries(known.volume_id, known.volume_name, facts)
    return same or identity.is_ghost(facts)
