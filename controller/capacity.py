"""What the cloud can still provide: GetCapacity. Source: CSI 1.13 "GetCapacity"; DigitalOcean API "account_get"."""

import asyncio
from dataclasses import dataclass

from common import sizes
from controller.cloud.base import Cloud
from controller.rules.capacity import LARGEST_BYTES, SMALLEST_GIB

FRESH_SECONDS = 60.0
UNLIMITED_BYTES = 1 << 62  # the cloud tells no bound


@dataclass(frozen=True)
class AvailableCapacity:
    """Bytes: in all, the largest volume, the smallest volume."""

    available: int
    largest: int = LARGEST_BYTES
    smallest: int = sizes.to_bytes(SMALLEST_GIB)


NOTHING = AvailableCapacity(0)


class Capacity:
    """What the account may still have. Asked for at most once a minute: the answer changes slowly."""

    def __init__(self, cloud: Cloud, zone: str) -> None:
        self._cloud = cloud
        self._zone = zone
        self._known = NOTHING
        self._known_at = float("-inf")

    async def capacity(self) -> AvailableCapacity:
        """Return what can be made in the zone: as many volumes of the largest size as the account has left."""
        now = asyncio.get_running_loop().time()
        if now - self._known_at >= FRESH_SECONDS:
            self._known, self._known_at = AvailableCapacity(await self._available()), now
        return self._known

    async def _available(self) -> int:
        if not await self._cloud.zone_has_volumes(self._zone):
            return 0
        limit = (await self._cloud.account()).volume_limit
        if not limit:
            return UNLIMITED_BYTES
        made = (await self._cloud.list_volumes(self._zone, 1)).total
        return max(0, limit - made) * LARGEST_BYTES
