"""All volumes, for ListVolumes: read whole once, then kept current for a request or two a minute.

What changes an attachment is an action, so the account's list of actions, one request, tells whether anything that is
not ours has changed; only then are the servers read, which name their volumes (200 servers a page, up to 3,000
attachments). One page of the volumes is read beside it each time, in turn: it carries the total, and shows in time what
was made or deleted elsewhere. A total that does not add up lets more pages be read, within an hourly allowance.
If the list of actions cannot be trusted, the servers are read every time.
"""

import asyncio
from bisect import bisect_right

import structlog

from controller.cache import VolumeCache
from controller.cloud.base import Cloud, Kind, Volume
from controller.cloud.paging import everything
from controller.volume_scan import SETTLE_SECONDS, VolumeScan

log = structlog.get_logger("inventory")

FRESH_SECONDS = 10.0  # a list that is asked for again within this time is answered from memory
MISSED_SECONDS = 3600.0  # after so long without a refresh everything is read anew
UNPROVEN_SECONDS = 100.0  # how often the servers are read while the list of actions is not trusted
AT_A_TIME = 1000  # volumes that are gone through before others have their turn
VOLUME_KINDS = frozenset({Kind.ATTACH, Kind.DETACH, Kind.RESIZE})


class Inventory:
    """The volumes of one zone, or of all."""

    def __init__(self, cloud: Cloud, cache: VolumeCache, zone: str | None) -> None:
        self._cloud = cloud
        self._cache = cache
        self._zone = zone
        self._sweep = VolumeScan(cloud, cache, zone)
        self._refreshing = asyncio.Lock()
        self._refreshed_at = float("-inf")
        self._servers_read_at = float("-inf")
        self._last_action = 0  # all actions up to this one are accounted for
        self._proven = False  # whether the account's list was seen to hold actions of volumes
        self._unsettled = False  # whether a server told otherwise of a volume that we had just changed

    async def refresh(self) -> None:
        """Bring the memory of all volumes up to date. Raises NotFinal."""
        async with self._refreshing:
            now = asyncio.get_running_loop().time()
            if now - self._refreshed_at < FRESH_SECONDS:
                return
            if not self._sweep.complete or self._sweep.is_short or now - self._refreshed_at > MISSED_SECONDS:
                await self._read_all()
            else:
                await self._read_changes(now)
            self._refreshed_at = asyncio.get_running_loop().time()

    async def page(self, after: tuple[float, str], length: int) -> tuple[list[Volume], bool]:
        """Return up to ``length`` volumes that come ``after`` (creation time, id), oldest first; and whether more."""
        if not self._sweep.complete:
            await self.refresh()
        order = self._cache.order()
        found: list[Volume] = []
        for place in range(bisect_right(order, after), len(order)):
            volume = self._cache.get(order[place][1])
            if volume is None or self._zone not in {None, volume.zone}:
                continue
            if len(found) == length:
                return found, True
            found.append(volume)
        return found, False

    async def _read_all(self) -> None:
        """Read every volume. Actions are looked at first: what changes meanwhile is seen the next time."""
        if not self._sweep.is_short:
            await self._foreign_change()
        await self._sweep.whole()

    async def _read_changes(self, now: float) -> None:
        changed = await self._foreign_change()
        unproven = not self._proven and now - self._servers_read_at >= UNPROVEN_SECONDS
        if changed or unproven or self._unsettled:
            await self._read_servers(now)
        await self._sweep.some()

    async def _foreign_change(self) -> bool:
        """Say whether an action whose effect is not known has touched a volume since the last time."""
        page = await self._cloud.account_actions(1)
        new = [each for each in page.items if int(each.id) > self._last_action and each.kind in VOLUME_KINDS]
        unknown = [each.id for each in new if each.ended and each.id not in self._cache.accounted]
        overflowed = bool(page.items) and int(page.items[-1].id) > self._last_action and page.more
        self._cache.accounted.add(unknown)
        newest = max((int(each.id) for each in page.items), default=self._last_action)
        self._last_action = min((int(each.id) - 1 for each in new if not each.ended), default=newest)
        self._proven = self._proven or any(each.kind in VOLUME_KINDS for each in page.items)
        return overflowed or bool(unknown)

    async def _read_servers(self, now: float) -> None:
        """Take the attachments of all volumes from the servers."""
        holders: dict[str, list[str]] = {}
        for server in await everything(self._cloud.list_servers):
            for volume_id in server.volume_ids:
                holders.setdefault(volume_id, []).append(server.id)
        self._servers_read_at, self._unsettled = now, False
        log.debug("servers_read", attached=len(holders))
        for number, volume in enumerate(self._cache):
            if number % AT_A_TIME == 0:
                await asyncio.sleep(0)  # noqa: TID251 (lets others have their turn)
            told = tuple(holders.get(volume.id, ()))
            if told != volume.server_ids and self._cache.changed_since(volume.id, now - SETTLE_SECONDS):
                self._unsettled = True  # we know better, or something happened since: ask once more
            else:
                self._cache.hold(volume.id, told)
