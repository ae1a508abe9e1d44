"""What is wrong with a volume, or with this node's storage: read from the kernel, never guessed.

A good statfs says nothing about the device (it is answered from memory), so the device's own state is asked too, and
whether it answers the commands that it has.

Source: CSI 1.13 "NodeGetVolumeHealth", "NodeGetStorageHealth".
"""

import os
from dataclasses import replace
from functools import partial

from common import errors
from node.codes import Code
from node.host import paths
from node.host.host import Host
from node.host.hung_disks import silent
from node.host.mounts import look_at
from node.host.threads import SECONDS
from node.records.findings import Finding
from node.records.kernel import Facts, Mount
from node.records.requests import VolumePath
from node.records.state import Published, Staged
from node.refusals import Refusals
from node.rules import condition, identity
from node.rules.condition import Signs
from node.volume_at import block_of, is_volume, mount_of, not_there, opened, resolved

ANSWER_SECONDS = 2.0


class Health:
    """Looks for what is wrong."""

    def __init__(self, host: Host, refusals: Refusals) -> None:
        self._host = host
        self._refusals = refusals

    async def of_volume(self, place: VolumePath) -> tuple[Finding, ...]:
        """Return what is wrong with a volume, what was refused for it first.

        Raises NotFound if it is not at that path, or without one nowhere, and nothing was refused.
        """
        refused = self._refusals.of(place.volume_id)
        try:
            return (*refused, *await self._seen(place))
        except errors.NotFound:
            if not refused:
                raise
            return refused

    async def _seen(self, place: VolumePath) -> tuple[Finding, ...]:
        known = self._host.state.read(Staged, place.volume_id)
        found = place if place.path else self._remembered(place, known)
        return condition.of_volume(await self._signs(await resolved(self._host, found), known))

    async def of_storage(self) -> tuple[Finding, ...]:
        """Return what is wrong with the storage of this node as a whole."""
        records = self._host.state.all(Staged)
        volumes = [(record.volume_id, await self._facts(record)) for record in records]
        disks = {volume_id: _disk(facts) for volume_id, facts in volumes if facts is not None}
        hanging = await silent(self._host.sysfs, self._host.threads, disks.values())
        mute = tuple(volume_id for volume_id, disk in disks.items() if disk in hanging)
        return condition.of_storage(tuple(volumes), self._host.threads.hung, mute)

    async def _facts(self, record: Staged) -> Facts | None:
        """Return what is known of a staged volume's device, or None if it is gone: its number passes to other disks."""
        facts = await self._host.facts(record.number)
        lives_on = facts is not None and (identity.is_ghost(facts) or identity.is_lost(facts))
        return facts if facts is None or lives_on or is_volume(self._host, record.volume_id, facts) else None

    def _remembered(self, place: VolumePath, known: Staged | None) -> VolumePath:
        """Return where the volume is: published somewhere, or else staged, where a raw block volume has no mount."""
        found = [each.target for each in self._host.state.all(Published) if each.volume_id == place.volume_id]
        if known is not None and known.kind:
            found.append(known.path)
        if not found:
            raise errors.NotFound(
                f"volume {place.volume_id} is neither staged nor published on this node", error_code=Code.NOT_HERE
            )
        return replace(place, path=found[0])

    async def _signs(self, place: VolumePath, known: Staged | None) -> Signs:
        look = partial(_look, self._host, place)
        seen = await self._host.threads.in_turn(look_at(place.path), look, SECONDS, f"looking at {place.path}")
        answer = "" if seen.block else await self._answer(place, seen.mount)
        owed = await silent(self._host.sysfs, self._host.threads, () if seen.facts is None else (_disk(seen.facts),))
        if owed and not _is_same(seen.facts, await self._host.facts(seen.block or seen.mount.number)):
            raise errors.Unavailable(
                f"the disk of volume {place.volume_id} was detached during the look at it",
                error_code=Code.DEVICE_CHANGED,
            )
        return replace(seen, known=known, answer=answer, silent=sum(owed.values()))

    async def _answer(self, place: VolumePath, mount: Mount) -> str:
        """Ask the file system itself for a name; return what went wrong."""
        ask = partial(_ask, place, mount.id)
        try:
            await self._host.threads.in_turn(place.path, ask, ANSWER_SECONDS, f"the file system at {place.path}")
        except errors.OutcomeUnknown:
            return condition.NO_ANSWER
        except OSError as error:
            return error.strerror or str(error)
        return ""


def _look(host: Host, place: VolumePath) -> Signs:
    """Return what the kernel says of the volume at a path, without a question to its file system; blocks."""
    with opened(place) as descriptor:
        mount = mount_of(host, place, descriptor)
        block = block_of(mount, descriptor)
        facts = host.sysfs.facts(block or mount.number)
        counted = 0 if facts is None else _counters(host, mount, facts)
        return Signs(mount, facts, None, counted=counted, block=block)


def _counters(host: Host, mount: Mount, facts: Facts) -> int:
    if mount.kind == "btrfs":
        return host.sysfs.btrfs_errors_of(facts.kernel_name)
    return host.sysfs.ext_errors(facts.kernel_name)


def _ask(place: VolumePath, mount_id: int) -> None:
    """Raises NotFound if it is another mount by now; blocks."""
    with opened(place) as descriptor:
        if paths.mount_id(descriptor) != mount_id:
            raise not_there(place)
        os.statvfs(descriptor)
        folder = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with os.scandir(folder) as names:
                next(names, None)
        finally:
            os.close(folder)


def _is_same(before: Facts | None, now: Facts | None) -> bool:
    return (before and (before.sequence, before.page83)) == (now and (now.sequence, now.page83))


def _disk(facts: Facts) -> str:
    return facts.disk or facts.number  # a mapper's commands are those of its disk
