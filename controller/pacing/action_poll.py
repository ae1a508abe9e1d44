"""One poll for all waiters: who waits for an action waits here.

A lone waiter has its own action read when it should have ended. Several share their looks, one a tick; how a look is
done with few requests, the cloud's package knows. The poll runs while somebody waits, and no longer.
"""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from common import deadlines, errors
from common.tasks import Tasks
from controller.cloud.base import ActionState, Cloud, Kind, Pending, Progress
from controller.pacing.action_durations import Durations

log = structlog.get_logger("feed")

POLL_SECONDS = 20.0  # one look may take so long, with its repeats
SHARED_TICK_PART = 0.25  # several waiters: at most four looks in the time of one action
SHORTEST_TICK_SECONDS, PRESSED_TICK_SECONDS = 0.3, 3.0
PROMPT_SECONDS = 1.0  # a look that waited longer for its turn tells nothing of how long the action took
CLOSE_SECONDS = 0.05  # a look answers what is due so soon, too


class Pressure(Protocol):
    """Tells whether requests wait for the rate limit."""

    @property
    def pressed(self) -> bool:
        """Whether they do."""
        ...


@dataclass(eq=False)
class PolledAction:
    """An action that somebody waits for. Times are loop time."""

    action: Pending
    since: float
    due: float
    looked: float = 0.0  # its age at the last look that found it under way
    waiters: set[asyncio.Future[Progress]] = field(default_factory=set)


class ActionPoll:
    """Answers every waiter: with the action once it has ended, or with DeadlineExceeded."""

    def __init__(self, cloud: Cloud, tasks: Tasks, pressure: Pressure, durations: Durations | None = None) -> None:
        self._cloud = cloud
        self._tasks = tasks
        self._pressure = pressure
        self._durations = durations or Durations()
        self._watches: dict[str, PolledAction] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[object] | None = None
        self._last_poll = float("-inf")

    async def wait(self, action: Pending, since: float) -> Progress:
        """Return how the action has ended; ``since`` is when its start was acknowledged, loop time.

        Raises DeadlineExceeded when the caller's time runs out; the action goes on.
        """
        watch = self._watches.get(action.id) or self._watch(action, since)
        waiter: asyncio.Future[Progress] = asyncio.get_running_loop().create_future()
        watch.waiters.add(waiter)
        self._wake()
        try:
            async with asyncio.timeout_at(deadlines.current()):
                with deadlines.waiting(f"{action.kind.value} {action.id} is still under way"):
                    return await waiter
        except TimeoutError:
            raise errors.DeadlineExceeded(f"{action.kind.value} {action.id} is still under way; call again") from None
        finally:
            watch.waiters.discard(waiter)
            if not watch.waiters:
                self._forget(watch)

    def __len__(self) -> int:
        """Return how many actions somebody waits for."""
        return len(self._watches)

    def expected_seconds(self, kind: Kind) -> float:
        """Return how long an action of that kind takes, as far as was seen."""
        return self._durations.guess(kind)

    def _watch(self, action: Pending, since: float) -> PolledAction:
        now = asyncio.get_running_loop().time()
        due = since + self._durations.guess(action.kind)
        watch = PolledAction(action, since, max(now, due))
        self._watches[action.id] = watch
        return watch

    def _wake(self) -> None:
        self._changed.set()
        if self._task is None or self._task.done():
            self._task = self._tasks.background(self._run(), "feed")

    async def _run(self) -> None:
        try:
            while self._watches:
                await self._until_due()
                await self._look()
        finally:  # nobody waits now, unless this ends before its time
            for watch in list(self._watches.values()):
                self._fail(watch, errors.Unavailable("the driver has stopped to look at actions; call again"))

    async def _until_due(self) -> None:
        while self._watches:
            self._changed.clear()
            try:
                async with asyncio.timeout_at(self._next_poll()):
                    await self._changed.wait()  # somebody came or went: the next look may be due at another time
            except TimeoutError:
                return

    def _next_poll(self) -> float:
        due = min(watch.due for watch in self._watches.values())
        if len(self._watches) == 1 and not self._pressure.pressed:
            return due
        kinds = {watch.action.kind for watch in self._watches.values()}
        shortest = min(self._durations.guess(kind) for kind in kinds)
        tick = PRESSED_TICK_SECONDS if self._pressure.pressed else SHARED_TICK_PART * shortest
        return max(due, self._last_poll + max(SHORTEST_TICK_SECONDS, tick))

    async def _look(self) -> None:
        now = self._last_poll = asyncio.get_running_loop().time()
        due = [watch for watch in self._watches.values() if watch.due <= now + CLOSE_SECONDS]
        others = [watch.action for watch in self._watches.values() if watch not in due and watch.since < now]
        told: list[Progress] = []
        try:
            with deadlines.until(now + POLL_SECONDS):  # not that of whoever came first
                told = await self._cloud.progress([watch.action for watch in due], others)
        except errors.NotFinal as error:
            log.warning("look_failed", error=str(error), waiting=len(due))
        except errors.Refused as refused:
            for watch in due:
                self._fail(watch, errors.Unavailable(str(refused)))
        for progress in told:
            self._learn(progress, now)
        for watch in due:
            if watch.due <= now + CLOSE_SECONDS:  # nothing was learned of it
                self._put_off(watch)

    def _learn(self, found: Progress, asked: float) -> None:
        """Take in what a look at time ``asked`` has found."""
        watch = self._watches.get(found.action.id)
        if watch is None:
            return  # whoever waited has left meanwhile
        age, kind = asked - watch.since, watch.action.kind
        if not found.ended:
            watch.looked = max(watch.looked, age)
            watch.due = asyncio.get_running_loop().time() + self._durations.pause(kind, age)
            return
        prompt = asyncio.get_running_loop().time() - asked <= PROMPT_SECONDS
        if prompt and found.state is not ActionState.FORGOTTEN:
            self._durations.ended(kind, age, watch.looked, found.took)
        ended = replace(found, action=watch.action)
        for waiter in watch.waiters:
            if not waiter.done():
                waiter.set_result(ended)
        self._forget(watch)

    def _fail(self, watch: PolledAction, error: errors.DriverError) -> None:
        for waiter in watch.waiters:
            if not waiter.done():
                waiter.set_exception(error)
        self._forget(watch)

    def _forget(self, watch: PolledAction) -> None:
        if self._watches.get(watch.action.id) is watch:
            del self._watches[watch.action.id]
            self._changed.set()

    def _put_off(self, watch: PolledAction) -> None:
        now = asyncio.get_running_loop().time()
        watch.due = max(watch.due, now + self._durations.pause(watch.action.kind, now - watch.since))
