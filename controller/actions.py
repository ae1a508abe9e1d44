"""Actions of ours: started once, waited for by whoever needs them, joined instead of started again.

The request that starts an action, and the note of its id, are committed work: they finish though the caller is gone.
The wait is not: a cancelled caller leaves it, the action goes on, and the next call joins it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import structlog

from common import deadlines, errors
from common.locks import Locks
from common.tasks import Tasks
from controller.cache import Move, VolumeCache
from controller.cloud.base import Cloud
from controller.cloud.cloud_errors import EventPending, Gone
from controller.cloud.records import ActionState, Kind, Pending, Place, Progress, Volume
from controller.codes import Code
from controller.finality import must_be_done
from controller.pacing.action_poll import ActionPoll
from controller.pacing.server_queue import FREE, Overtaken, ServerQueue, Turn
from controller.reading import read_volume
from controller.running_actions import MOVES, Running, RunningActions, is_shown

log = structlog.get_logger("actions")

Start = Callable[[], Awaitable[Pending | None]]
FOREIGN_PAUSE_SECONDS = 1.0  # at least; what another client of the API started, and when, is not known


class Started(NamedTuple):
    """An action was started; ``running`` is None if all was done at once."""

    running: Running | None


class Actions:
    """Runs actions, one at a time on a volume and on a server."""

    def __init__(self, cloud: Cloud, action_poll: ActionPoll, tasks: Tasks, locks: Locks, cache: VolumeCache) -> None:
        self._cloud = cloud
        self._told: Callable[[str, str, float], None] = lambda *_: None
        self._cache = cache
        self._action_poll = action_poll
        self._tasks = tasks
        self._locks = locks
        self._servers = ServerQueue()
        self._running = RunningActions(cloud, cache)
        self._starting: dict[str | None, asyncio.Event] = {}  # servers on which a start was sent and not answered yet

    def watch(self, told: Callable[[str, str, float], None]) -> None:
        """Tell of each action that has ended: its kind, its state, and how long it took, seconds."""
        self._told = told

    async def join(self, volume_id: str) -> Running | None:
        """Wait until nothing of ours is under way on the volume; return what was, with how it ended.

        None if nothing was, or if it ended when no one waited: another process may have begun something since.
        """
        running = self._running.on_volume(volume_id)
        if running is None:
            return None
        was_left = running.action.id in self._running.doubted
        done = await self._wait(running)
        return done if not was_left or await self._is_last(done) else None

    async def run(self, kind: Kind, place: Place, start: Start) -> None:
        """Start an action when the server is free, and wait until it has ended well.

        Raises what the cloud refuses; Unavailable if the action failed; DeadlineExceeded if it is still under way.
        """
        server_id = self._running.taken_by(place)
        in_line = self._in_line(server_id, kind, place, start) if server_id else self._begin(kind, place, start)
        await self.ended(await in_line)

    async def adopt(self, volume_id: str, *kinds: Kind) -> None:
        """Look for an action of those kinds on the volume that is under way without our knowledge, and wait for it."""
        await self._adopt(volume_id, await self._cloud.recent(volume_id), kinds)

    async def is_newest(self, volume_id: str, move: Move) -> bool:
        """Say whether nothing was begun on the volume since that move, by this or another process. Raises Gone."""
        newest = await self._last_move(volume_id)
        return newest is not None and newest.action.id == move.action_id and newest.state is ActionState.COMPLETED

    async def _is_last(self, done: Running) -> bool:
        """Say whether no attach or detach was begun on the volume after that one, by any process."""
        if done.action.kind not in MOVES:
            return True
        try:
            newest = await self._last_move(done.place.volume_id)
        except Gone:
            return False
        return newest is not None and newest.action.id == done.action.id

    async def _last_move(self, volume_id: str) -> Progress | None:
        recent = await self._cloud.recent(volume_id)
        return next((each for each in recent if each.action.kind in MOVES), None)

    async def settled(self, volume: Volume) -> Volume:
        """Return the volume with who holds it once what was begun is done; waits for that, and reads it again then.

        What the volume shows may follow an action only at its end, or even later. Raises Gone; Unavailable while it
        does not show what the last move has done.
        """
        recent = await self._cloud.recent(volume.id)
        adopted = await self._adopt(volume.id, recent, MOVES)
        moves = (each for each in recent if each.action.kind in MOVES)
        last = adopted or next((each for each in moves if each.state is ActionState.COMPLETED), None)
        if last is None or (adopted is None and is_shown(last.action, volume)):
            return volume
        volume = await read_volume(self._cloud, self._cache, volume.id)
        self._running.demand_shown(last, volume)
        return volume

    async def _adopt(self, volume_id: str, recent: Sequence[Progress], kinds: Collection[Kind]) -> Progress | None:
        """Wait for the newest action: a volume takes one at a time, so an older one is over, whatever is shown."""
        found = recent[0] if recent else None
        if found is None or found.ended or found.action.kind not in kinds or found.action.id in self._running.over:
            return None
        running = self._running.note(Place(volume_id, found.action.server_id), found.action, found=True)
        return None if running is None else (await self._wait(running, asks=False)).ended

    async def ended(self, running: Running | None) -> None:
        """Wait until an action has ended well. Raises Unavailable if it failed, DeadlineExceeded."""
        if running is not None:
            must_be_done((await self._wait(running)).ended, running.place.volume_id)

    async def _in_line(self, server_id: str, kind: Kind, place: Place, start: Start) -> Running | None:
        """Start an action when the turn on the server comes, which goes to the next as soon as it is started."""
        back = False
        while True:
            async with self._servers.turn(server_id, urgent=kind is Kind.DETACH, back=back) as turn:
                with suppress(Overtaken):
                    return await self._begin(kind, place, start, turn)
            back = True

    async def _begin(self, kind: Kind, place: Place, start: Start, turn: Turn = FREE) -> Running | None:
        while True:
            if other := self._running.on_volume(place.volume_id):
                await self._wait(other)
            elif starting := self._starting.get(self._running.taken_by(place)):
                await _answered(starting, place)
            elif other := self._running.on_server(place):
                if started := await self._try(other, kind, place, start, turn):
                    return started.running
            else:
                try:
                    return await self._tasks.finish(self._start(kind, place, start))
                except EventPending:
                    await self._let_pass(kind, place)

    async def _try(self, other: Running, kind: Kind, place: Place, start: Start, turn: Turn) -> Started | None:
        """Start an action as soon as the other one on the server can have ended. None if the other is to be seen to."""
        if other.action.id in self._running.doubted:
            await self._wait(other)
            return None
        try:
            async with self._action_poll.next_start(other.action, other.since, turn) as ended:
                if ended is None:
                    turn.check()
                    return Started(await self._tasks.finish(self._start(kind, place, start)))
        except EventPending:
            return None  # not yet
        except (errors.DeadlineExceeded, asyncio.CancelledError):
            self._running.doubted.add(other.action.id)
            raise
        self._settle(other, ended)
        return None

    async def _start(self, kind: Kind, place: Place, start: Start) -> Running | None:
        """Send the start. The server counts as taken until it is answered, though the caller may be gone by then."""
        answered = asyncio.Event()
        server_id = self._running.taken_by(place)
        if server_id is not None:
            self._starting[server_id] = answered
        try:
            with self._locks.extend(place.volume_id):
                running = self._running.note(place, await start())
            if running is None:
                self._remember(kind, place)
            return running
        finally:
            self._starting.pop(server_id, None)
            answered.set()

    def note(self, place: Place, action: Pending | None) -> Running | None:
        """Take note of an action that was just started; None if all was done at once."""
        return self._running.note(place, action)

    async def _wait(self, running: Running, *, asks: bool = True) -> Running:
        """Wait for the end of an action; ``asks``: the caller asks the cloud for a change then, which decides."""
        judged = await self._running.judged(running, asks=asks)
        if judged is not None and judged.state is not ActionState.FORGOTTEN:
            self._running.over.add([running.action.id])
        ended = judged or await self._polled(running)
        self._settle(running, ended)
        return replace(running, ended=ended)

    def _settle(self, running: Running, ended: Progress) -> None:
        """Take note of how an action has ended."""
        if self._running.on_volume(running.place.volume_id) is running:  # who waits for the same one comes here, too
            seconds = asyncio.get_running_loop().time() - running.since
            self._told(running.action.kind.value, ended.state.value, seconds)
            log.info(
                "action_ends",
                volume_id=running.place.volume_id,
                kind=running.action.kind.value,
                action_id=running.action.id,
                state=ended.state.value,
                seconds=round(seconds, 1),
            )
        self._running.end(running)
        if running.action.kind not in MOVES or running.place.server_id is not None:  # else its effect is not known
            self._cache.accounted.add([running.action.id])
        if ended.state is ActionState.COMPLETED:
            self._remember(running.action.kind, running.place, running.action.id)

    async def _polled(self, running: Running) -> Progress:
        try:
            return await self._action_poll.wait(running.action, running.since)
        except (errors.DeadlineExceeded, asyncio.CancelledError):  # the caller's time may end in either way
            self._running.doubted.add(running.action.id)
            raise

    def _remember(self, kind: Kind, place: Place, action_id: str = "") -> None:
        if place.server_id is None or kind not in MOVES:
            return
        self._cache.moved(place.volume_id, (place.server_id,) if kind is Kind.ATTACH else ())
        self._cache.note_move(place.volume_id, action_id, kind, place.server_id)

    async def _let_pass(self, kind: Kind, place: Place) -> None:
        """Another client acts on the volume or the server: wait until that has ended."""
        log.info("foreign_event", volume_id=place.volume_id, server_id=place.server_id, waiting_to=kind.value)
        blocking = await self._cloud.blocking(place)
        now = asyncio.get_running_loop().time()
        if blocking is not None:
            await self._action_poll.wait(blocking, now)
            return
        pause = max(FOREIGN_PAUSE_SECONDS, self._action_poll.expected_seconds(kind) / 2)
        text = f"node {place.server_id} has an event under way that is not ours"
        if now + pause >= deadlines.current():
            raise EventPending(text)
        with deadlines.waiting(text):
            await asyncio.sleep(pause)  # noqa: TID251 (an event that no list shows: nothing tells when it ends)


async def _answered(starting: asyncio.Event, place: Place) -> None:
    text = f"another action is being started on node {place.server_id}"
    try:
        with deadlines.waiting(text):
            async with asyncio.timeout_at(deadlines.current()):
                await starting.wait()
    except TimeoutError:
        raise errors.DeadlineExceeded(
            text,
            remedy="nothing to do: it is tried again",
            error_code=Code.SERVER_BUSY,
        ) from None
