"""What is wrong with a volume, or with this node's storage: read from the kernel, never guessed.

A good statfs says nothing about the device (it is answered from memory), so the device's own state is asked too.

Source: CSI 1.13 "NodeGetVolumeHealth", "NodeGetStorageHealth".
"""

import os
from functools import partial

from common import errors
from node.host import paths
from node.host.devices import OPEN_SECONDS
from node.host.host import Host
from node.records import Facts, Finding, Mount, Place, Staged
from node.rules import condition
from node.rules.condition import Signs
from node.stats import find

ANSWER_SECONDS = 2.0


class Health:
    """Looks for what is wrong."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def of_volume(self, place: Place) -> tuple[Finding, ...]:
        """Return what is wrong with a volume. Raises NotFound if it is not at that path."""
        path, mount = await find(self._host, place)
        known = await self._host.recall(Staged, place.volume_id)
        return condition.of_volume(await self._signs(path, mount, known))

    async def of_storage(self) -> tuple[Finding, ...]:
        """Return what is wrong with the storage of this node as a whole."""
        records = await self._host.recall_all(Staged)
        volumes = [(record.volume_id, await self._host.devices.facts(record.number)) for record in records]
        return condition.of_storage(tuple(volumes), self._host.threads.hung)

    async def _signs(self, path: str, mount: Mount, known: Staged | None) -> Signs:
        answer, number = await self._answer(path)
        facts = await self._host.devices.facts(number or mount.number)
        read = partial(self._counters, mount, facts)
        counted = await self._host.threads.call(read, OPEN_SECONDS, "reading /sys")
        return Signs(mount=mount, facts=facts, known=known, answer=answer, counted=counted, block=bool(number))

    async def _answer(self, path: str) -> tuple[str, str]:
        """Ask the file system itself for a name; return what went wrong, and the number of a block device."""

        def ask() -> str:
            if number := paths.block_number(path):
                return number
            os.statvfs(path)
            with os.scandir(path) as names:
                next(names, None)
            return ""

        try:
            return "", await self._host.threads.call(ask, ANSWER_SECONDS, path)
        except errors.OutcomeUnknown:
            return "does not answer", ""
        except OSError as error:
            return error.strerror or str(error), ""

    def _counters(self, mount: Mount, facts: Facts | None) -> int:
        if facts is None:
            return 0
        if mount.kind == "btrfs":
            return self._host.sysfs.btrfs_errors_of(facts.kernel_name)
        return self._host.sysfs.ext_errors(facts.kernel_name)
