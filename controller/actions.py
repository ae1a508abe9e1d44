"""Actions of ours: started once, waited for by whoever needs them, joined instead of started again.

The request that starts an action, and the note of its id, are committed work: they finish though the caller is gone.
The wait is not: a cancelled caller leaves it, the action goes on, and the next call joins it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import structlog

from common import deadlines, errors
from common.locks import Locks
from common.tasks import Tasks
from controller.cache import VolumeCache
from controller.cloud.base import ActionState, Cloud, EventPending, Kind, Pending, Place, Progress
from controller.pacing.action_poll import ActionPoll
from controller.pacing.server_queue import ServerQueue

log = structlog.get_logger("actions")

Start = Callable[[], Awaitable[Pending | None]]
FOREIGN_PAUSE_SECONDS = 1.0  # at least; what somebody else started, and when, is not known


@dataclass(frozen=True)
class Running:
    """An action that was started; ``since`` is loop time. ``ended`` is None until it was seen to end."""

    place: Place
    action: Pending
    since: float
    ended: Progress | None = None

    def did(self, kind: Kind, server_id: str) -> bool:
        """Whether it was that, with that server, and has ended well."""
        done = self.ended is not None and self.ended.state is ActionState.COMPLETED
        return done and self.action.kind is kind and self.place.server_id == server_id


class Actions:
    """Runs actions, one at a time on a volume and on a server."""

    def __init__(self, cloud: Cloud, action_poll: ActionPoll, tasks: Tasks, locks: Locks, cache: VolumeCache) -> None:
        self._cloud = cloud
        self._cache = cache
        self._action_poll = action_poll
        self._tasks = tasks
        self._locks = locks
        self._servers = ServerQueue()
        self._of_volume: dict[str, Running] = {}
        self._of_server: dict[str | None, Running] = {}
        self._starting: dict[str | None, asyncio.Event] = {}  # servers on which a start was sent and not answered yet

    async def join(self, volume_id: str) -> Running | None:
        """Wait until nothing of ours is under way on the volume; return what was, with how it ended."""
        running = self._of_volume.get(volume_id)
        return None if running is None else await self._wait(running)

    async def run(self, kind: Kind, place: Place, start: Start) -> None:
        """Start an action when the server is free, and wait until it has ended well.

        Raises what the cloud refuses; Unavailable if the action failed; DeadlineExceeded if it is still under way.
        """
        if not place.server_id:
            await self._run(kind, place, start)
            return
        async with self._servers.turn(place.server_id, urgent=kind is Kind.DETACH):
            await self._run(kind, place, start)

    async def adopt(self, place: Place, *kinds: Kind) -> bool:
        """Look for an action of those kinds on the volume that is under way without our knowledge, and wait for it."""
        under_way = (each.action for each in await self._cloud.recent(place.volume_id) if not each.ended)
        same = (each for each in under_way if each.kind in kinds and each.server_id in {None, place.server_id})
        running = self.note(place, next(same, None))
        if running is None:
            return False
        await self._wait(running)
        return True

    async def ended(self, running: Running | None) -> None:
        """Wait until an action has ended well. Raises Unavailable if it failed, DeadlineExceeded."""
        if running is not None:
            _check((await self._wait(running)).ended, running.place)

    async def _run(self, kind: Kind, place: Place, start: Start) -> None:
        while True:
            if other := self._of_server.get(place.server_id) or self._of_volume.get(place.volume_id):
                await self._wait(other)
                continue
            if starting := self._starting.get(place.server_id):
                await _answered(starting, place)
                continue
            try:
                running = await self._tasks.finish(self._start(kind, place, start))
            except EventPending:
                await self._let_pass(kind, place)
                continue
            await self.ended(running)
            return

    async def _start(self, kind: Kind, place: Place, start: Start) -> Running | None:
        """Send the start. The server counts as taken until it is answered, though the caller may be gone by then."""
        answered = asyncio.Event()
        if place.server_id:
            self._starting[place.server_id] = answered
        try:
            with self._locks.extend(place.volume_id):
                running = self.note(place, await start())
            if running is None:
                self._remember(kind, place)
            return running
        finally:
            self._starting.pop(place.server_id, None)
            answered.set()

    def note(self, place: Place, action: Pending | None) -> Running | None:
        """Take note of an action that was just started; None if all was done at once."""
        if action is None:
            return None
        running = Running(place, action, asyncio.get_running_loop().time())
        self._of_volume[place.volume_id] = running
        if place.server_id:
            self._of_server[place.server_id] = running
        return running

    async def _wait(self, running: Running) -> Running:
        ended = await self._action_poll.wait(running.action, running.since)
        self._end(running)
        self._cache.accounted.add([running.action.id])
        if ended.state is ActionState.COMPLETED:
            self._remember(running.action.kind, running.place)
        return replace(running, ended=ended)

    def _end(self, running: Running) -> None:
        if self._of_volume.get(running.place.volume_id) is running:
            del self._of_volume[running.place.volume_id]
        if self._of_server.get(running.place.server_id) is running:
            del self._of_server[running.place.server_id]

    def _remember(self, kind: Kind, place: Place) -> None:
        if place.server_id is None:
            return
        if kind is Kind.ATTACH:
            self._cache.moved(place.volume_id, (place.server_id,))
            self._cache.attached(place.volume_id, place.server_id)
        if kind is Kind.DETACH:
            self._cache.moved(place.volume_id, ())
            self._cache.detached(place.volume_id, place.server_id)

    async def _let_pass(self, kind: Kind, place: Place) -> None:
        """Somebody else acts on the volume or the server: wait until that has ended."""
        log.info("foreign_event", volume_id=place.volume_id, server_id=place.server_id, waiting_to=kind.value)
        blocking = await self._cloud.blocking(place)
        now = asyncio.get_running_loop().time()
        if blocking is not None:
            await self._action_poll.wait(blocking, now)
            return
        pause = max(FOREIGN_PAUSE_SECONDS, self._action_poll.expected_seconds(kind) / 2)
        if now + pause >= deadlines.current():
            raise EventPending(f"node {place.server_id} has an event under way that is not ours; call again")
        await asyncio.sleep(pause)  # noqa: TID251 (an event that no list shows: nothing tells when it ends)


def _check(ended: Progress | None, place: Place) -> None:
    """Raise Unavailable unless the action has ended well, with what the cloud says of it."""
    if ended is None or ended.state is ActionState.COMPLETED:
        return
    what = f"{ended.action.kind.value} {ended.action.id} of volume {place.volume_id}"
    if ended.state is ActionState.FORGOTTEN:
        raise errors.Unavailable(f"the cloud does not know {what} any more", remedy="none needed: it is tried again")
    raise errors.Unavailable(f"{what} failed in the cloud: {ended.error or 'it does not say why'}")


async def _answered(starting: asyncio.Event, place: Place) -> None:
    try:
        async with asyncio.timeout_at(deadlines.current()):
            await starting.wait()
    except TimeoutError:
        raise errors.DeadlineExceeded(f"another action is being started on node {place.server_id}") from None
