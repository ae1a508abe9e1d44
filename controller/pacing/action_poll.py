"""One poll for all waiters: who waits for an action waits here.

A lone waiter has its own action read when it should have ended. Several share the list of the account's actions, read
once per tick. That the list contains the actions of volumes is not promised by the API: it is proven as it is used,
and while it is not, actions are read one by one. The poll runs while somebody waits, and no longer.
"""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from common import deadlines, errors
from common.tasks import Tasks
from controller.cloud.base import Action, Cloud, Gone, Kind, Page
from controller.pacing.action_durations import Durations

log = structlog.get_logger("feed")

POLL_SECONDS = 20.0  # one look may take so long, with its repeats
SHARED_TICK_PART = 0.25  # several waiters: at most four looks in the time of one action
SHORTEST_TICK_SECONDS, PRESSED_TICK_SECONDS = 0.3, 3.0
MISSES_TO_DISTRUST, DISTRUST_SECONDS = 3, 600.0
PAGES_AT_MOST = 5
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

    volume_id: str
    action: Action
    since: float
    due: float
    looked: float = 0.0  # its age at the last look that found it under way
    waiters: set[asyncio.Future[Action]] = field(default_factory=set)


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
        self._distrusted_until = float("-inf")
        self._misses = 0

    async def wait(self, volume_id: str, action: Action, since: float) -> Action:
        """Return the action once it has ended; ``since`` is when its start was acknowledged, loop time.

        Raises Gone if the cloud forgot it, DeadlineExceeded when the caller's time runs out; the action goes on.
        """
        if action.ended:
            return action
        watch = self._watches.get(action.id) or self._watch(volume_id, action, since)
        waiter: asyncio.Future[Action] = asyncio.get_running_loop().create_future()
        watch.waiters.add(waiter)
        self._wake()
        try:
            async with asyncio.timeout_at(deadlines.current()):
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

    def _watch(self, volume_id: str, action: Action, since: float) -> PolledAction:
        now = asyncio.get_running_loop().time()
        due = since + self._durations.guess(action.kind)
        watch = PolledAction(volume_id, action, since, max(now, due))
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
        self._last_poll = asyncio.get_running_loop().time()
        with deadlines.until(self._last_poll + POLL_SECONDS):  # not that of whoever came first
            if len(self._watches) == 1 or self._last_poll < self._distrusted_until:
                await self._look_one_by_one(self._last_poll)
            else:
                await self._look_at_list(self._last_poll)

    async def _look_one_by_one(self, now: float) -> None:
        due = [watch for watch in self._watches.values() if watch.due <= now + CLOSE_SECONDS]
        await asyncio.gather(*map(self._look_at, due))

    async def _look_at(self, watch: PolledAction) -> None:
        asked = asyncio.get_running_loop().time()
        try:
            found = await self._cloud.get_action(watch.volume_id, watch.action.id)
        except errors.NotFinal as error:
            log.warning("look_failed", error=str(error), volume_id=watch.volume_id)
            self._put_off(watch)
        except errors.DriverError as refused:
            self._fail(watch, refused if isinstance(refused, Gone) else errors.Unavailable(str(refused)))
        else:
            self._learn(found, asked)

    async def _look_at_list(self, now: float) -> None:
        wanted = {watch.action.id: watch for watch in self._watches.values() if watch.since < now}
        try:
            found = await self._listed(set(wanted))
        except errors.Refused as refused:  # a token may be without the right to list
            log.warning("list_of_actions_refused", error=str(refused), remedy="none needed, but it saves requests")
            self._distrusted_until = now + DISTRUST_SECONDS
            return
        except errors.NotFinal as error:  # one odd action of somebody else must not hide ours
            log.warning("list_of_actions_failed", error=str(error), waiting=len(self._watches))
            self._prove(some_found=False, some_missing=True, now=now)
            for watch in list(self._watches.values()):
                self._put_off(watch)
            return
        missing = [
            watch for action_id, watch in wanted.items() if action_id not in found and watch.due <= now + CLOSE_SECONDS
        ]
        for action in found.values():
            self._learn(action, now)
        self._prove(bool(found), bool(missing), now)
        await asyncio.gather(*map(self._look_at, missing))

    async def _listed(self, wanted: set[str]) -> dict[str, Action]:
        """Return those of the wanted actions that the account's list holds."""
        found: dict[str, Action] = {}
        for number in range(1, PAGES_AT_MOST + 1):
            page = await self._cloud.account_actions(number)
            found |= {action.id: action for action in page.items if action.id in wanted}
            if len(found) == len(wanted) or not page.more or _is_older(page, wanted - set(found)):
                break
        return found

    def _prove(self, some_found: bool, some_missing: bool, now: float) -> None:
        """Stop to trust the list after looks in a row that found none of our actions in it."""
        self._misses = 0 if some_found or not some_missing else self._misses + 1
        if self._misses >= MISSES_TO_DISTRUST:
            self._misses = 0
            self._distrusted_until = now + DISTRUST_SECONDS
            log.warning("list_of_actions_lacks_ours", remedy="none needed: actions are read one by one meanwhile")

    def _learn(self, found: Action, asked: float) -> None:
        """Take in what a look at time ``asked`` has found."""
        watch = self._watches.get(found.id)
        if watch is None:
            return  # whoever waited has left meanwhile
        age, kind = asked - watch.since, watch.action.kind
        if not found.ended:
            watch.looked = max(watch.looked, age)
            watch.due = asyncio.get_running_loop().time() + self._durations.pause(kind, age)
            return
        if asyncio.get_running_loop().time() - asked <= PROMPT_SECONDS:
            self._durations.ended(kind, age, watch.looked, found.took)
        ended = replace(found, kind=kind, server_id=watch.action.server_id)
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


def _is_older(page: Page[Action], missing: set[str]) -> bool:
    """Say whether a page, newest first, has passed all the missing actions: ids grow with time."""
    return bool(page.items) and int(page.items[-1].id) < min(map(int, missing), default=0)
