"""Volume health as the cloud's API tells it: of one volume, and of all.

Source: CSI 1.13 "ControllerGetVolumeHealth", "ControllerListVolumeHealth".
"""

import asyncio
from dataclasses import dataclass

from controller.cloud.cloud_errors import Gone
from controller.cloud.paging import everything
from controller.cloud.records import Server
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
        self._look = parts.look
        self._inventory = inventory
        self._longest = longest_page
        self._servers: dict[str, Server] = {}
        self._read_at = float("-inf")

    async def of_one(self, volume_id: str) -> HealthReport:
        """Ask how a volume is. Raises NotFound."""
        volume = await self._look(volume_id)
        servers = {holder: await self._server(holder) for holder in volume.server_ids}
        actions = await self._cloud.recent(volume_id)
        return HealthReport(volume_id, tuple(health.of_volume(volume, servers, actions)))

    async def page(self, asked: ListRequest) -> tuple[list[HealthReport], str]:
        """Return a page of the volumes that something ails, and the token of the next."""
        after, length = pages.after(asked.token), pages.length(asked.max_entries, self._longest)
        if not asked.token:
            await self._inventory.refresh()
        started = asyncio.get_running_loop().time()
        found: list[tuple[pages.Cursor, HealthReport]] = []
        more = True
        while more:
            volumes, more = await self._inventory.page(after, self._longest)
            await self._learn_servers({holder for volume in volumes for holder in volume.server_ids}, started)
            for volume in volumes:
                after = (volume.created_at, volume.id)
                if ailments := health.of_volume(volume, self._servers, ()):
                    found.append((after, HealthReport(volume.id, tuple(ailments))))
            if len(found) > length:
                return [told for _, told in found[:length]], pages.token(found[length - 1][0])
        return [told for _, told in found], ""

    async def _server(self, server_id: str) -> Server | None:
        try:
            return await self._cloud.get_server(server_id)
        except Gone:
            return None

    async def _learn_servers(self, holders: set[str], started: float) -> None:
        """Read the servers, unless all is known of the holders; once at most in a call that ``started`` then."""
        known = started - self._read_at < FRESH_SECONDS and holders <= self._servers.keys()
        if known or not holders or self._read_at >= started:
            return
        self._servers = {server.id: server for server in await everything(self._cloud.list_servers)}
        self._read_at = asyncio.get_running_loop().time()
