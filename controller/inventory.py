"""All volumes, for ListVolumes: read whole once, then kept current for a request or two a minute.

Where the cloud tells what has changed since a moment, one request shows whether anything that is not ours has; only
then are the servers read, which name their volumes (200 servers a page, up to 3,000 attachments). Where it cannot
tell, they are read now and then. One page of the volumes is read beside it each time, in turn: it carries the total,
and shows in time what was made or deleted elsewhere. A total that does not add up lets more pages be read, within an
hourly allowance.
"""

import asyncio
from bisect import bisect_right

import structlog

from common import errors
from controller.cache import VolumeCache
from controller.cloud.base import Cloud
from controller.cloud.cloud_errors import Gone, OddAnswer
from controller.cloud.paging import everything
from controller.cloud.records import Server, Volume
from controller.volume_scan import SETTLE_SECONDS, VolumeScan

log = structlog.get_logger("inventory")

FRESH_SECONDS = 10.0  # a list that is asked for again within this time is answered from memory
MISSED_SECONDS = 3600.0  # after so long without a refresh everything is read anew
UNTOLD_SECONDS = 100.0  # how often the servers are read while the cloud cannot tell what has changed
ASKED_AT_MOST = 10  # servers that the list lacks
AT_A_TIME = 1000  # volumes that are gone through before others have their turn


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
        self._changes_until = ""  # what the cloud has told of changes, up to where
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

    def known(self) -> tuple[list[Volume], float] | None:
        """Return the volumes as they were last seen, and how many seconds ago that was.

        None before all were read, and while some that the list lacks may be gone.
        """
        if not self._sweep.complete or self._sweep.in_doubt:
            return None
        age = asyncio.get_running_loop().time() - self._refreshed_at
        return [each for each in self._cache if self._zone in {None, each.zone}], age

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
        untold = changed is None and now - self._servers_read_at >= UNTOLD_SECONDS
        if changed or untold or self._unsettled:
            await self._read_servers(now)
        await self._sweep.some()

    async def _foreign_change(self) -> bool | None:
        """Say whether a change whose effect is not known has come to a volume since the last time; None: untold."""
        told = await self._cloud.changes(self._changes_until)
        if told is None:
            return None
        self._changes_until = told.now
        unknown = [each for each in told.ended if each not in self._cache.accounted]
        self._cache.accounted.add(unknown)
        return told.missed or bool(unknown)

    async def _read_servers(self, now: float) -> None:
        """Take the attachments of all volumes from the servers."""
        servers = {each.id: each for each in await everything(self._cloud.list_servers)}
        untold = await self._find_missing(servers)
        holders: dict[str, list[str]] = {}
        for server in servers.values():
            for volume_id in dict.fromkeys(server.volume_ids):
                holders.setdefault(volume_id, []).append(server.id)
        self._servers_read_at, self._unsettled = now, False
        log.debug("servers_read", attached=len(holders))
        for number, volume in enumerate(self._cache):
            if number % AT_A_TIME == 0:
                await asyncio.sleep(0)  # noqa: TID251 (lets others have their turn)
            told = tuple(dict.fromkeys((*holders.get(volume.id, ()), *untold.intersection(volume.server_ids))))
            if told != volume.server_ids and self._cache.changed_since(volume.id, now - SETTLE_SECONDS):
                self._unsettled = True  # we know better, or something happened since: ask once more
            else:
                self._cache.hold(volume.id, told)

    async def _find_missing(self, servers: dict[str, Server]) -> set[str]:
        """Ask for servers that held volumes and that the list lacks; add those that are there.

        Return those of which nothing is told: what they held stays as it was. Raises OutcomeUnknown if many are
        missing, and some of them are there: then the list is wrong.
        """
        missing = sorted({holder for volume in self._cache for holder in volume.server_ids} - servers.keys())
        untold, asked = set[str](), missing[:ASKED_AT_MOST]
        for server_id in asked:
            try:
                servers[server_id] = await self._cloud.get_server(server_id)
            except Gone:
                continue
            except errors.NotFinal as error:
                log.warning("server_not_read", server_id=server_id, **errors.fields(error))
                untold.add(server_id)
        if len(missing) > len(asked) and (untold or servers.keys() & set(asked)):
            lacks = f"lacks {len(missing)} that hold volumes ({', '.join(asked)}, …)"
            raise OddAnswer(f"the list of servers {lacks}, and some of them are there")
        return untold
