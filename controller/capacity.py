"""What the cloud can still provide: GetCapacity. Source: CSI 1.13 "GetCapacity"; DigitalOcean API "account_get"."""

import asyncio
from dataclasses import dataclass

from common import sizes
from controller.cloud.base import Cloud

FRESH_SECONDS = 60.0
UNLIMITED_BYTES = 1 << 62  # the cloud tells no bound


@dataclass(frozen=True)
class AvailableCapacity:
    """Bytes: in all, the largest volume, the smallest volume."""

    available: int
    largest: int
    smallest: int


class Capacity:
    """What the account may still have. Asked for at most once a minute: the answer changes slowly."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._largest = sizes.to_bytes(cloud.traits.sizes.largest)
        self._known: dict[str, tuple[float, AvailableCapacity]] = {}

    @property
    def nothing(self) -> AvailableCapacity:
        """What can be had where this driver makes no volumes."""
        return self._of(0)

    async def capacity(self, zone: str) -> AvailableCapacity:
        """Return what can be made in the zone: as many volumes of the largest size as the account has left."""
        now = asyncio.get_running_loop().time()
        known_at, known = self._known.get(zone, (float("-inf"), self.nothing))
        if now - known_at < FRESH_SECONDS:
            return known
        found = self._of(await self._available(zone))
        self._known = {each: told for each, told in self._known.items() if now - told[0] < FRESH_SECONDS}
        self._known[zone] = (now, found)
        return found

    async def _available(self, zone: str) -> int:
        if not await self._cloud.zone_has_volumes(zone):
            return 0
        limit = (await self._cloud.account()).volume_limit
        if not limit:
            return UNLIMITED_BYTES
        made = (await self._cloud.list_volumes(None, 1)).total  # the limit counts the volumes of all zones
        return max(0, limit - made) * self._largest

    def _of(self, available: int) -> AvailableCapacity:
        return AvailableCapacity(
            min(available, UNLIMITED_BYTES), self._largest, sizes.to_bytes(self._cloud.traits.sizes.smallest)
        )
