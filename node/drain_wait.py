"""The drain wait: told to stop on a node that is being drained, the driver first waits until its volumes are gone.

Without it kubelet can unmount nothing any more, and where the Node object is deleted then, Kubernetes detaches six
minutes later. The warden says that the node is drained, by an annotation of this process's own pod, which kubelet shows
in a file: the node has no credential. A rollout has no such annotation and does not wait.
"""

import asyncio
from pathlib import Path

import structlog

from common import errors
from node.host import pod_facts
from node.host.host import Host
from node.records.state import Staged
from node.rules import draining

LOOK_SECONDS = 0.5

log = structlog.get_logger("node")


class DrainWait:
    """Waits for the volumes of a node that is being drained, ``seconds`` at most."""

    def __init__(self, host: Host, folder: Path | None, seconds: float) -> None:
        self._host = host
        self._folder = folder
        self._seconds = seconds
        self._seen: dict[str, str] = {}
        self._left: tuple[str, ...] = ()

    async def wait(self) -> None:
        """Return when the volumes have left this host; at once if no one drains it."""
        reason = pod_facts.told(self._folder, pod_facts.DRAINING) if self._seconds else ""
        if not reason:
            return
        log.info("drain_waits", drained_by=reason, seconds=self._seconds)
        try:
            async with asyncio.timeout(self._seconds):
                while not await self._is_empty():  # noqa: ASYNC110  # the kernel tells nobody when a disk goes
                    await asyncio.sleep(LOOK_SECONDS)  # noqa: TID251  # same
        except TimeoutError:
            remedy = "the driver ends; see which pods use them, or raise node.drainWaitSeconds"
            log.warning("drain_waited_in_vain", volumes=self._left, seconds=self._seconds, remedy=remedy)
        else:
            log.info("drain_waited")

    async def _is_empty(self) -> bool:
        """Look at the staged volumes, and at the disks of those that were staged at an earlier look."""
        staged = self._host.state.all(Staged)
        try:
            for record in staged:
                facts = await self._host.facts(draining.disk_number(record))
                if facts is not None:
                    self._seen[record.volume_id] = draining.attachment(facts)
            found = [await self._host.facts(disk.split()[0]) for disk in self._seen.values()]
        except errors.NotFinal:  # nothing can be asked of the kernel now
            return False
        present = {draining.attachment(facts) for facts in found if facts is not None}
        self._left = draining.left(self._seen, staged, present)
        return not self._left
