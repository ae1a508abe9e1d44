"""What is known of one kind of objects: listed once, then kept current by a watch.

A version that is too old lets the list begin again; an API server that is away is asked again, less and less often.
Until then the records stay as they were, and ``is_current`` says that they may be old.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import structlog

from warden.api import EVERYWHERE, GONE, Change, KubeApi, KubeError, ResourceKind, Scope
from warden.rules.objects import Json, name_of, text

log = structlog.get_logger("cache")

Record = TypeVar("Record")

PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0


class Cache(Generic[Record]):
    """The records of one kind, by name. ``keep`` cuts an object down to its record; None: it is not kept."""

    def __init__(
        self, api: KubeApi, kind: ResourceKind, keep: Callable[[Json], Record | None], scope: Scope = EVERYWHERE
    ) -> None:
        self.kind = kind
        self.is_current = False
        self.begun = 0  # lists, since the start
        self._api = api
        self._keep = keep
        self._scope = scope
        self._records: dict[str, Record] = {}
        self._version = ""  # empty: a list is needed
        self._pause = PAUSE_SECONDS

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records.values())

    def __len__(self) -> int:
        return len(self._records)

    def get(self, name: str) -> Record | None:
        """Return the record of an object by its name (namespace/name)."""
        return self._records.get(name)

    async def run(self) -> None:
        """Keep the records current, for ever."""
        while True:
            try:
                if not self._version:
                    await self._list()
                begun = asyncio.get_running_loop().time()
                await self._watch()
                if asyncio.get_running_loop().time() < begun + PAUSE_SECONDS:  # cut by something between: no haste
                    await asyncio.sleep(PAUSE_SECONDS)  # noqa: TID251  # nothing tells when it is let through
            except KubeError as error:
                await self._recover(error)

    async def _recover(self, error: KubeError) -> None:
        self.is_current = False
        if error.code == GONE:
            log.info("watch_expired", kind=self.kind.name, message=str(error))
            self._version = ""
        else:
            log.warning("api_away", kind=self.kind.name, message=str(error), seconds=self._pause)
        await asyncio.sleep(self._pause)  # noqa: TID251  # an API server that is away tells nobody when it is back
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)

    async def _list(self) -> None:
        self.begun += 1
        version = ""
        gone = set(self._records)
        async for page in self._api.pages(self.kind, self._scope):
            version = page.version
            for found in page.items:
                gone.discard(name_of(found))
                self._see(found)
        for name in gone:
            self._records.pop(name, None)
        self._version = version
        log.debug("listed", kind=self.kind.name, records=len(self._records))

    async def _watch(self) -> None:
        async for change in self._api.watch(self.kind, self._version, self._scope):
            self.is_current = True
            self._apply(change)

    def _apply(self, change: Change) -> None:
        self._pause = PAUSE_SECONDS
        self._version = text(change.object, "metadata", "resourceVersion") or self._version
        if change.what == "DELETED":
            self._records.pop(name_of(change.object), None)
        elif change.what != "BOOKMARK":
            self._see(change.object)

    def _see(self, found: Json) -> None:
        record = self._keep(found)
        if record is None:
            self._records.pop(name_of(found), None)
        else:
            self._records[name_of(found)] = record
