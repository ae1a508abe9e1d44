"""Volume health as the cloud's API tells it: of one volume, and of all.

Source: CSI 1.13 "ControllerGetVolumeHealth", "ControllerListVolumeHealth".
"""

import asyncio
from dataclasses import dataclass

from common import errors
from controller.cloud.base import Droplet, Gone
from controller.cloud.paging import everything
from controller.inventory import Inventory
from controller.records import ListRequest
from controller.rules import health, pages
from controller.rules.health import Ailment
from controller.shared import SharedParts

FRESH_SECONDS = 60.0  # a droplet's state, for the health of all volumes


@dataclass(frozen=True)
class HealthReport:
    """What ails a volume; nothing if it is well."""

    volume_id: str
    ailments: tuple[Ailment, ...]


class VolumeHealth:
    """Judges volumes."""

    def __init__(self, parts: SharedParts, inventory: Inventory, longest_page: int) -> None:
        self._cloud = parts.cloud
        self._cache = parts.cache
        self._inventory = inventory
        self._longest = longest_page
        self._droplets: dict[int, Droplet] = {}
        self._read_at = float("-inf")

    async def of_one(self, volume_id: str) -> HealthReport:
        """Ask how a volume is. Raises NotFound for one that was never seen; one that vanished is ill, not unknown."""
        try:
            volume = self._cache.see(await self._cloud.get_volume(volume_id))
        except Gone:
            if self._cache.get(volume_id) is not None:
                self._cache.lose(volume_id)
            if volume_id in self._cache.lost:
                return HealthReport(volume_id, (health.lost(volume_id),))
            raise errors.NotFound(f"there is no volume {volume_id}") from None
        droplets = {holder: await self._droplet(holder) for holder in volume.droplet_ids}
        actions = await self._cloud.volume_actions(volume_id)
        return HealthReport(volume_id, tuple(health.of_volume(volume, droplets, actions.items)))

    async def page(self, asked: ListRequest) -> tuple[list[HealthReport], str]:
        """Return the health of a page of volumes, and the token of the next. Vanished ones come with the last page."""
        after = pages.after(asked.token)
        if not asked.token:
            await self._inventory.refresh()
        volumes, more = await self._inventory.page(after, pages.length(asked.max_entries, self._longest))
        if any(volume.droplet_ids for volume in volumes):
            await self._read_droplets()
        found = [HealthReport(each.id, tuple(health.of_volume(each, self._droplets, ()))) for each in volumes]
        if more:
            return found, pages.token((volumes[-1].created_at, volumes[-1].id))
        return found + [HealthReport(each, (health.lost(each),)) for each in self._cache.lost], ""

    async def _droplet(self, droplet_id: int) -> Droplet | None:
        try:
            return await self._cloud.get_droplet(droplet_id)
        except Gone:
            return None

    async def _read_droplets(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._read_at < FRESH_SECONDS:
            return
        self._droplets = {droplet.id: droplet for droplet in await everything(self._cloud.list_droplets)}
        self._read_at = now
