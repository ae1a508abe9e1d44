"""What is wrong with a volume, or with this node's storage: read from the kernel, never guessed.

A good statfs says nothing about the device (it is answered from memory), so the device's own state is asked too, and
whether it answers the commands that it has.

Source: CSI 1.13 "NodeGetVolumeHealth", "NodeGetStorageHealth".
"""

import os
from dataclasses import replace
from functools import partial

from common import errors
from node.host.host import Glance, Host
from node.host.hung_disks import silent
from node.host.threads import SECONDS
from node.host.volume_locks import VolumeLocks
from node.records.findings import Finding
from node.records.kernel import Facts, Mount
from node.records.requests import VolumePath
from node.records.state import Published, Staged
from node.rules import condition
from node.rules.condition import Signs
from node.stats import find

ANSWER_SECONDS = 2.0


class Health:
    """Looks for what is wrong."""

    def __init__(self, host: Host, turns: VolumeLocks) -> None:
        self._host = host
        self._turns = turns

    async def of_volume(self, place: VolumePath) -> tuple[Finding, ...]:
        """Return what is wrong with a volume. Raises NotFound if it is not at that path, or without one nowhere."""
        known = self._host.state.read(Staged, place.volume_id)
        glance = await find(self._host, place if place.path else self._remembered(place, known))
        return condition.of_volume(await self._signs(glance, known))

    async def of_storage(self) -> tuple[Finding, ...]:
        """Return what is wrong with the storage of this node as a whole."""
        records = self._host.state.all(Staged)
        volumes = [(record.volume_id, await self._host.facts(record.number)) for record in records]
        disks = {volume_id: _disk(facts) for volume_id, facts in volumes if facts is not None}
        hanging = await silent(self._host.sysfs, self._host.threads, disks.values())
        mute = tuple(volume_id for volume_id, disk in disks.items() if disk in hanging)
        return condition.of_storage(tuple(volumes), self._host.threads.hung, mute)

    def _remembered(self, place: VolumePath, known: Staged | None) -> VolumePath:
        """Return where the volume is: published somewhere, or else staged, where a raw block volume has no mount."""
        found = [each.target for each in self._host.state.all(Published) if each.volume_id == place.volume_id]
        if known is not None and known.kind:
            found.append(known.path)
        if not found:
            raise errors.NotFound(f"volume {place.volume_id} is neither staged nor published on this node")
        return replace(place, path=found[0])

    async def _signs(self, glance: Glance, known: Staged | None) -> Signs:
        mount, block = glance.mounted[-1], bool(glance.block)
        facts = await self._host.facts(glance.block or mount.number)
        answer = "" if block else await self._answer(glance.path)
        counted = await self._host.threads.call(partial(self._counters, mount, facts), SECONDS, "reading /sys")
        owed = await silent(self._host.sysfs, self._host.threads, () if facts is None else (_disk(facts),))
        return Signs(mount, facts, known, answer=answer, silent=sum(owed.values()), counted=counted, block=block)

    async def _answer(self, path: str) -> str:
        """Ask the file system itself for a name; return what went wrong."""

        def ask() -> None:
            os.statvfs(path)
            with os.scandir(path) as names:
                next(names, None)

        try:
            call = partial(self._host.threads.call, ask, ANSWER_SECONDS, path)
            await self._turns.take((f"the file system at {path}",), call)  # a second thread would only hang, too
        except errors.NotFinal:
            return condition.NO_ANSWER
        except OSError as error:
            return error.strerror or str(error)
        return ""

    def _counters(self, mount: Mount, facts: Facts | None) -> int:
        if facts is None:
            return 0
        if mount.kind == "btrfs":
            return self._host.sysfs.btrfs_errors_of(facts.kernel_name)
        return self._host.sysfs.ext_errors(facts.kernel_name)


def _disk(facts: Facts) -> str:
    return facts.disk or facts.number  # a mapper's commands are those of its disk
