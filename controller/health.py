"""Volume health as the cloud's API tells it: of one volume, and of all.

Source: CSI 1.13 "ControllerGetVolumeHealth", "ControllerListVolumeHealth".
"""

import asyncio
from dataclasses import dataclass

from common import errors
from controller.cloud.base import Gone, Server
from controller.cloud.paging import everything
from controller.inventory import Inventory
from controller.records import ListRequest
from controller.rules import health, pages
from controller.rules.health import Ailment
from controller.shared import SharedParts

FRESH_SECONDS = 60.0  # a server's state, for the health of all volumes


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
        self._servers: dict[str, Server] = {}
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
        servers = {holder: await self._server(holder) for holder in volume.server_ids}
        actions = await self._cloud.recent(volume_id)
        return HealthReport(volume_id, tuple(health.of_volume(volume, servers, actions)))

    async def page(self, asked: ListRequest) -> tuple[list[HealthReport], str]:
        """Return the health of a page of volumes, and the token of the next. Vanished ones come with the last page."""
        after = pages.after(asked.token)
        if not asked.token:
            await self._inventory.refresh()
        volumes, more = await self._inventory.page(after, pages.length(asked.max_entries, self._longest))
        if any(volume.server_ids for volume in volumes):
            await self._read_servers()
        found = [HealthReport(each.id, tuple(health.of_volume(each, self._servers, ()))) for each in volumes]
        if more:
            return found, pages.token((volumes[-1].created_at, volumes[-1].id))
        return found + [HealthReport(each, (health.lost(each),)) for each in self._cache.lost], ""

    async def _server(self, server_id: str) -> Server | None:
        try:
            return await self._cloud.get_server(server_id)
        except Gone:
            return None

    async def _read_servers(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._read_at < FRESH_SECONDS:
            return
        self._servers = {server.id: server for server in await everything(self._cloud.list_servers)}
        self._read_at = now
