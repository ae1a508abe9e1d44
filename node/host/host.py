"""The host as one object: what staging, publishing, expansion, stats and health act upon."""

from dataclasses import dataclass
from functools import partial

from common import errors
from node.host.devices import OPEN_SECONDS, Devices
from node.host.filesystems import Filesystems
from node.host.journal import Journal, Record
from node.host.mounts import Mounts
from node.host.probe import Prober
from node.host.sysfs import Sysfs
from node.host.threads import Threads


@dataclass(frozen=True)
class Host:
    """Its parts, made once in ``__main__``."""

    threads: Threads
    sysfs: Sysfs
    devices: Devices
    prober: Prober
    filesystems: Filesystems
    mounts: Mounts
    journal: Journal

    async def remember(self, key: str, record: Record, *, sync: bool = False) -> None:
        """Write a record to the journal. Raises Unavailable if that fails."""
        await self._journal(partial(self.journal.write, key, record, sync=sync))

    async def forget(self, kind: type[Record], key: str) -> None:
        """Remove a record from the journal."""
        await self._journal(partial(self.journal.remove, kind, key))

    async def recall(self, kind: type[Record], key: str) -> Record | None:
        """Return a record of the journal, or None."""
        return await self.threads.call(partial(self.journal.read, kind, key), OPEN_SECONDS, "reading the journal")

    async def recall_all(self, kind: type[Record]) -> tuple[Record, ...]:
        """Return all records of a kind."""
        return await self.threads.call(partial(self.journal.all, kind), OPEN_SECONDS, "reading the journal")

    async def _journal(self, work: partial[None]) -> None:
        try:
            await self.threads.call(work, OPEN_SECONDS, "writing the journal")
        except OSError as error:
            raise errors.Unavailable(
                f"cannot write the node's journal: {error}", remedy="make room on, or mount, AIOCSI_STATE_DIR"
            ) from error
