"""Actions of ours: started once, waited for by whoever needs them, joined instead of started again.

The request that starts an action, and the note of its id, are committed work: they finish though the caller is gone.
The wait is not: a cancelled caller leaves it, the action goes on, and the next call joins it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from common import deadlines, errors
from common.locks import Locks
from common.tasks import Tasks
from controller.cache import VolumeCache
from controller.cloud.base import Action, Cloud, EventPending, Gone, Kind, Place, Progress
from controller.pacing.action_poll import ActionPoll
from controller.pacing.server_queue import ServerQueue

log = structlog.get_logger("actions")

Start = Callable[[], Awaitable[Action]]
FOREIGN_PAUSE_SECONDS = 1.0  # at least; what somebody else started, and when, is not known


@dataclass(frozen=True)
class Running:
    """An action that was started and has not been seen to end; ``since`` is loop time."""

    place: Place
    action: Action
    since: float

    def did(self, kind: Kind, server_id: str) -> bool:
        """Whether it was that, with that server, and has ended well."""
        done = self.action.progress is Progress.COMPLETED
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

    async def run(self, kind: Kind, place: Place, start: Start) -> Action:
        """Start an action when the server is free, and wait until it has ended well.

        Raises what the cloud refuses; Unavailable if the action failed; DeadlineExceeded if it is still under way.
        """
        if not place.server_id:
            return await self._run(kind, place, start)
        async with self._servers.turn(place.server_id, urgent=kind is Kind.DETACH):
            return await self._run(kind, place, start)

    async def adopt(self, place: Place, *kinds: Kind) -> bool:
        """Look for an action of those kinds on the volume that is under way without our knowledge, and wait for it."""
        page = await self._cloud.volume_actions(place.volume_id)
        same = (each for each in page.items if each.kind in kinds and each.server_id in {None, place.server_id})
        found = next((each for each in same if not each.ended), None)
        if found is None:
            return False
        await self._wait(self._note(place, found))
        return True

    async def _run(self, kind: Kind, place: Place, start: Start) -> Action:
        while True:
            if other := self._of_server.get(place.server_id) or self._of_volume.get(place.volume_id):
                await self._wait(other)
                continue
            if starting := self._starting.get(place.server_id):
                await _answered(starting, place)
                continue
            try:
                running = await self._tasks.finish(self._start(place, start))
            except EventPending:
                await self._let_pass(kind, place)
                continue
            ended = (await self._wait(running)).action
            if ended.progress is Progress.ERRORED:
                raise errors.Unavailable(f"{kind.value} {ended.id} of volume {place.volume_id} failed in the cloud")
            return ended

    async def _start(self, place: Place, start: Start) -> Running:
        """Send the start. The server counts as taken until it is answered, though the caller may be gone by then."""
        answered = asyncio.Event()
        if place.server_id:
            self._starting[place.server_id] = answered
        try:
            with self._locks.extend(place.volume_id):
                return self._note(place, await start())
        finally:
            self._starting.pop(place.server_id, None)
            answered.set()

    def _note(self, place: Place, action: Action) -> Running:
        running = Running(place, action, asyncio.get_running_loop().time())
        if not action.ended:
            self._of_volume[place.volume_id] = running
            if place.server_id:
                self._of_server[place.server_id] = running
        return running

    async def _wait(self, running: Running) -> Running:
        try:
            ended = await self._action_poll.wait(running.place.volume_id, running.action, running.since)
        except Gone:
            self._end(running)
            ended = Action(running.action.id, running.action.kind, Progress.ERRORED, running.place.server_id)
        self._end(running)
        self._remember(running.place, ended)
        return Running(running.place, ended, running.since)

    def _end(self, running: Running) -> None:
        if self._of_volume.get(running.place.volume_id) is running:
            del self._of_volume[running.place.volume_id]
        if self._of_server.get(running.place.server_id) is running:
            del self._of_server[running.place.server_id]

    def _remember(self, place: Place, ended: Action) -> None:
        self._cache.accounted.add([ended.id])
        if ended.progress is not Progress.COMPLETED or place.server_id is None:
            return
        if ended.kind is Kind.ATTACH:
            self._cache.moved(place.volume_id, (place.server_id,))
            self._cache.attached(place.volume_id, place.server_id)
        if ended.kind is Kind.DETACH:
            self._cache.moved(place.volume_id, ())
            self._cache.detached(place.volume_id, place.server_id)

    async def _let_pass(self, kind: Kind, place: Place) -> None:
        """Somebody else acts on the volume or the server: wait until that has ended."""
        log.info("foreign_event", volume_id=place.volume_id, server_id=place.server_id, waiting_to=kind.value)
        pages = [await self._cloud.volume_actions(place.volume_id)]
        if not any(not each.ended for each in pages[0].items):
            pages.append(await self._cloud.account_actions(1))
        mine = [each for each in pages[0].items if not each.ended]
        theirs = [each for each in pages[-1].items if not each.ended and each.server_id == place.server_id]
        now = asyncio.get_running_loop().time()
        if blocking := next(iter(mine + theirs), None):
            with suppress(Gone):  # what the cloud has forgotten blocks nobody
                await self._action_poll.wait(place.volume_id if mine else "", blocking, now)
            return
        pause = max(FOREIGN_PAUSE_SECONDS, self._action_poll.expected_seconds(kind) / 2)
        if now + pause >= deadlines.current():
            raise EventPending(f"node {place.server_id} has an event under way that is not ours; call again")
        await asyncio.sleep(pause)  # noqa: TID251 (an event that no list shows: nothing tells when it ends)


async def _answered(starting: asyncio.Event, place: Place) -> None:
    try:
        async with asyncio.timeout_at(deadlines.current()):
            await starting.wait()
    except TimeoutError:
        raise errors.DeadlineExceeded(f"another action is being started on node {place.server_id}") from None
