"""Reads the volumes page by page: all at once, or a page now and then, within an hourly allowance."""

import asyncio

from controller.cache import VolumeCache
from controller.cloud.base import Cloud
from controller.cloud.cloud_errors import Gone
from controller.cloud.paging import check_new
from controller.cloud.records import Page, Volume

SHORT_PAGES = 2  # so few pages are read whole each time: it costs no more than finding out what changed
PAGES_PER_HOUR = 85.0  # beside one look at the actions each minute: 150 requests an hour in all
BURST_PAGES = 60.0
HOUR_SECONDS = 3600.0
SETTLE_SECONDS = 30.0  # what we changed so short a time ago, a page may not show yet
ASKED_PER_ROUND = 10


class VolumeScan:
    """Where in the list of volumes we are, and what was seen on the way."""

    def __init__(self, cloud: Cloud, cache: VolumeCache, zone: str | None) -> None:
        self._cloud = cloud
        self._cache = cache
        self._zone = zone
        self.complete = False  # whether every volume was seen once
        self.in_doubt = False  # whether some that the last round has not shown were not asked for yet
        self._next = 1
        self._pages = 0
        self._total = 0
        self._left_out: dict[int, int] = {}  # of each page
        self._round: set[str] = set()
        self._suspects: set[str] = set()
        self._round_started = 0.0
        self._allowance = BURST_PAGES
        self._allowed_at = 0.0

    @property
    def is_short(self) -> bool:
        """Whether all volumes fit on so few pages that they are read whole each time."""
        return self.complete and self._pages <= SHORT_PAGES

    async def whole(self) -> None:
        """Read every page."""
        self._start_round()
        while not await self._step():
            pass
        self.complete = True

    async def some(self) -> None:
        """Read the next page; and, while the total does not add up, as many more as the allowance has."""
        self._refill()
        ended = await self._step()
        while not ended and self._allowance >= 1 and self._total != self._known():
            ended = await self._step()

    async def _step(self) -> bool:
        """Read the next page; return whether it was the last of the round."""
        asked = asyncio.get_running_loop().time()
        if self._next == 1:
            self._start_round()
        page = await self._cloud.list_volumes(self._zone, self._next)
        self._allowance -= 1
        if page.more:
            check_new(page, self._round, self._next)
        self._take(page, asked)
        self._next += 1
        if page.more:
            return False
        await self._end_round()
        return True

    def _start_round(self) -> None:
        self._next = 1
        self._round = set()
        self._round_started = asyncio.get_running_loop().time()

    def _take(self, page: Page[Volume], asked: float) -> None:
        self._left_out[self._next] = page.left_out
        self._total = page.total - sum(self._left_out.values())
        for volume in page.items:
            self._round.add(volume.id)
            if not self._cache.changed_since(volume.id, asked - SETTLE_SECONDS):
                self._cache.see(volume)

    async def _end_round(self) -> None:
        """What no page of the round has shown may be gone, the pages may have shifted, or the list may be wrong: ask.

        Of many that are missing some are asked for. Where these are all gone, so are those that are missing twice.
        """
        self._pages, self._next = self._next - 1, 1
        self._left_out = {page: count for page, count in self._left_out.items() if page <= self._pages}
        unseen = {volume.id for volume in self._cache if self._is_unseen(volume)}
        asked = sorted(unseen)[:ASKED_PER_ROUND]
        are_gone = [await self._is_gone(volume_id) for volume_id in asked]
        others = unseen - set(asked)
        suspects = others if all(are_gone) else set[str]()
        missing_twice = suspects & self._suspects
        for volume_id in missing_twice:
            self._cache.forget(volume_id)
        self.in_doubt = others != missing_twice
        self._suspects = suspects - missing_twice

    async def _is_gone(self, volume_id: str) -> bool:
        try:
            self._cache.see(await self._cloud.get_volume(volume_id))
        except Gone:
            self._cache.forget(volume_id)
            return True
        return False

    def _is_unseen(self, volume: Volume) -> bool:
        if not self._covers(volume) or volume.id in self._round:
            return False
        return not self._cache.changed_since(volume.id, self._round_started - SETTLE_SECONDS)

    def _known(self) -> int:
        return sum(1 for volume in self._cache if self._covers(volume))

    def _covers(self, volume: Volume) -> bool:
        return self._zone in {None, volume.zone}

    def _refill(self) -> None:
        now = asyncio.get_running_loop().time()
        gained = (now - self._allowed_at) * PAGES_PER_HOUR / HOUR_SECONDS
        self._allowance, self._allowed_at = min(BURST_PAGES, self._allowance + gained), now
