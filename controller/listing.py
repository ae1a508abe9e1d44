"""ListVolumes and ListSnapshots: pages of what is known, brought up to date when a list begins."""

from common import errors
from controller.cloud.records import Snapshot, Volume
from controller.inventory import Inventory
from controller.leftover_sweep import LeftoverSweep
from controller.records import ListRequest
from controller.rules import pages
from controller.snapshots import Snapshots


class Listing:
    """Pages of volumes and snapshots, of at most ``longest`` entries: a longer one would hold up every other call."""

    def __init__(self, inventory: Inventory, snapshots: Snapshots, leftovers: LeftoverSweep, longest: int) -> None:
        self._inventory = inventory
        self._snapshots = snapshots
        self._leftovers = leftovers
        self._longest = longest

    async def volumes(self, asked: ListRequest) -> tuple[list[Volume], str]:
        """Return a page of the volumes, and the token of the next. Raises StaleToken, NotFinal."""
        after = pages.after(asked.token)
        self._leftovers.awake()
        if not asked.token:
            await self._inventory.refresh()
        found, more = await self._inventory.page(after, pages.length(asked.max_entries, self._longest))
        return found, pages.token((found[-1].created_at, found[-1].id)) if more else ""

    async def snapshot(self, snapshot_id: str, volume_id: str) -> list[Snapshot]:
        """Return the snapshot of that id, if there is one, and if it is of that volume where one is named."""
        try:
            found = await self._snapshots.get(snapshot_id)
        except errors.NotFound:
            return []
        return [found] if volume_id in {"", found.volume_id} else []

    async def snapshots(self, asked: ListRequest, volume_id: str) -> tuple[list[Snapshot], str]:
        """Return a page of the snapshots, of one volume where one is named. Raises StaleToken, NotFinal."""
        return await self._snapshots.page(asked, volume_id)
