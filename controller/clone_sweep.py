"""Deletes the temporary snapshots of clones that no one asks for any more, such as of a claim that was deleted.

Only clones that this process was asked for are swept, so no snapshot of another cluster or client is ever looked
at, and a process that serves no calls sends nothing. What fails is tried again later, and fails no call.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import structlog

from common import deadlines, errors
from common.tasks import Tasks

log = structlog.get_logger("clone_sweep")

LEFTOVER_SECONDS = 3600.0  # no clone is asked for so seldom while it is wanted
AGAIN_SECONDS = 60.0
SWEEP_SECONDS = 60.0  # one deletion may take so long, with its repeats
REMEMBERED_CLONES = 1000


@dataclass(frozen=True)
class Clone:
    """A clone whose temporary snapshot may be there. ``due`` is loop time."""

    source_id: str
    due: float


class CloneSweep:
    """``delete`` is given a clone's name and its source's id, and removes the temporary snapshot if it is there."""

    def __init__(self, tasks: Tasks, delete: Callable[[str, str], Awaitable[None]]) -> None:
        self._tasks = tasks
        self._delete = delete
        self._clones: OrderedDict[str, Clone] = OrderedDict()
        self._task: asyncio.Task[object] | None = None
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        """Return how many clones may have left a snapshot."""
        return len(self._clones)

    def __iter__(self) -> Iterator[str]:
        """Yield the names of those clones."""
        return iter(self._clones)

    def asked(self, name: str, source_id: str, seconds: float = LEFTOVER_SECONDS) -> None:
        """A clone is asked for: if no one does so again for ``seconds``, its snapshot is a leftover."""
        self._clones[name] = Clone(source_id, asyncio.get_running_loop().time() + seconds)
        self._clones.move_to_end(name)
        while len(self._clones) > REMEMBERED_CLONES:
            self._clones.popitem(last=False)
        self._changed.set()
        if self._task is None or self._task.done():
            self._task = self._tasks.background(self._run(), "sweep of clones")

    def done(self, name: str) -> None:
        """The snapshot of a clone is gone."""
        self._clones.pop(name, None)
        self._changed.set()

    async def _run(self) -> None:
        while self._clones:
            self._changed.clear()
            try:
                async with asyncio.timeout_at(min(each.due for each in self._clones.values())):
                    await self._changed.wait()
            except TimeoutError:
                await self._sweep()

    async def _sweep(self) -> None:
        now = asyncio.get_running_loop().time()
        for name, clone in [(name, each) for name, each in self._clones.items() if each.due <= now]:
            try:
                with deadlines.until(asyncio.get_running_loop().time() + SWEEP_SECONDS):
                    await self._delete(name, clone.source_id)
            except errors.DriverError as error:
                log.warning("leftover_snapshot_stays", clone=name, volume_id=clone.source_id, **errors.fields(error))
                self.asked(name, clone.source_id, AGAIN_SECONDS)
            else:
                log.info("leftover_snapshot_deleted", clone=name, volume_id=clone.source_id)
                self.done(name)
