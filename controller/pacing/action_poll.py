"""One poll for all waiters: who waits for an action waits here.

When to look is decided by look_plan; how a look is done with few requests, the cloud's package knows. Who wants to act
next on the same server waits here, too: a start that the cloud refuses because of a pending event is as good as a look.
The poll runs while a call waits, and no longer.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence, Sized
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import replace

import structlog

from common import codes as common_codes
from common import deadlines, errors
from common.tasks import Tasks
from controller.cloud.base import Cloud
from controller.cloud.cloud_errors import EventPending, LookRefused
from controller.cloud.records import ActionState, Kind, Pending, Progress
from controller.codes import Code
from controller.pacing.action_durations import Durations
from controller.pacing.look_plan import Step, Watch, due, steps, with_lines
from controller.pacing.look_price import Allowance, Left

log = structlog.get_logger("feed")

POLL_SECONDS = 90.0  # one look may take so long, with its repeats: the rate limit may let nothing pass for a minute
PROMPT_SECONDS = 1.0  # a look that waited longer for its turn tells nothing of how long the action took
SOON_SECONDS, CLOSE_SECONDS = 0.005, 0.05  # what is due so soon is asked now; and with it what is due a little later
FAILED_PAUSE_SECONDS, FAILED_PAUSE_PART, LONGEST_PAUSE_SECONDS = 0.3, 0.25, 8.0  # after a failed look; part of the age


class ActionPoll:
    """Answers every waiter: with the action once it has ended, or with DeadlineExceeded."""

    def __init__(self, cloud: Cloud, tasks: Tasks, allowance: Allowance, durations: Durations | None = None) -> None:
        self._cloud = cloud
        self._tasks = tasks
        self._allowance = allowance
        self._durations = durations or Durations()
        self._watches: dict[str, Watch] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[object] | None = None
        self._last_look = float("-inf")

    async def wait(self, action: Pending, since: float) -> Progress:
        """Return how the action has ended; ``since`` is when its start was acknowledged, loop time.

        Raises DeadlineExceeded when the caller's time runs out; the action goes on.
        """
        watch = self._watches.setdefault(action.id, Watch(action, since))
        waiter: asyncio.Future[Progress | None] = asyncio.get_running_loop().create_future()
        watch.waiters.add(waiter)
        try:
            return await self._answer(action, waiter) or Progress(action, ActionState.FORGOTTEN)
        finally:
            watch.waiters.discard(waiter)
            self._leave(watch)

    @asynccontextmanager
    async def next_start(self, action: Pending, since: float, line: Sized) -> AsyncIterator[Progress | None]:
        """Wait until an action has ended, and yield how; or yield None when the next one on the server is to be tried.

        ``line`` are the calls that wait behind the one that tries. It tries inside the context: EventPending tells that
        the action has not ended, and a success that it has. Raises DeadlineExceeded as ``wait`` does.
        """
        watch = self._watches.setdefault(action.id, Watch(action, since))
        waiter: asyncio.Future[Progress | None] = asyncio.get_running_loop().create_future()
        watch.starters.add(waiter)
        watch.line = line
        try:
            found = await self._answer(action, waiter)
            with self._tried(watch) if found is None else nullcontext():
                yield found
        finally:
            watch.starters.discard(waiter)
            self._leave(watch)

    @contextmanager
    def _tried(self, watch: Watch) -> Iterator[None]:
        """Learn from what comes of a start."""
        tried = asyncio.get_running_loop().time()
        try:
            yield
            now = asyncio.get_running_loop().time()
            watch.over = (tried if now - tried <= PROMPT_SECONDS else now) - watch.since
        except EventPending:
            watch.looked = max(watch.looked, tried - watch.since)
            watch.refused += 1
            raise
        finally:
            watch.held_until = 0.0

    def __len__(self) -> int:
        """Return how many actions a call waits for."""
        return len(self._watches)

    def expected_seconds(self, kind: Kind) -> float:
        """Return how long an action of that kind takes, as far as was seen."""
        return self._durations.of(kind).median()

    async def _answer(self, action: Pending, waiter: asyncio.Future[Progress | None]) -> Progress | None:
        self._wake()
        try:
            async with asyncio.timeout_at(deadlines.current()):
                with deadlines.waiting(f"{action.kind.value} {action.id} is still under way"):
                    return await waiter
        except TimeoutError:
            raise errors.DeadlineExceeded(
                f"{action.kind.value} {action.id} is still under way", error_code=Code.ACTION_SLOW
            ) from None

    def _wake(self) -> None:
        self._changed.set()
        if self._task is None or self._task.done():
            self._task = self._tasks.background(self._run(), "feed")

    async def _run(self) -> None:
        try:
            while self._watches:
                await self._take(await self._until_due())
        finally:  # nobody waits now, unless this ends before its time
            for watch in list(self._watches.values()):
                self._fail(
                    watch,
                    errors.Unavailable(
                        "the driver has stopped to look at actions",
                        error_code=common_codes.Code.SHUTTING_DOWN,
                    ),
                )

    async def _until_due(self) -> list[Step]:
        """Return what is due, at its time."""
        while self._watches:
            self._changed.clear()
            now = asyncio.get_running_loop().time()
            watches = [*self._watches.values()]
            wanted = steps(watches, self._durations.of, self._left(), now, self._last_look)
            at = min(step.at for step in wanted)
            if at <= now + SOON_SECONDS:
                return [step for step in wanted if step.at <= now + CLOSE_SECONDS]
            with suppress(TimeoutError):
                async with asyncio.timeout_at(at):
                    await self._changed.wait()  # a caller came or went: the next look may be due at another time
        return []

    def _left(self) -> Left:
        return with_lines(self._allowance.left(), [*self._watches.values()])

    async def _take(self, taken: Sequence[Step]) -> None:
        now = asyncio.get_running_loop().time()
        for watch in (step.watches[0] for step in taken if step.start):
            watch.held_until = now + PROMPT_SECONDS
            if waiter := next((each for each in watch.starters if not each.done()), None):
                waiter.set_result(None)
        for step in taken:
            if not step.start:
                await self._look(step.watches, now)

    async def _look(self, watches: Sequence[Watch], now: float) -> None:
        self._last_look = now
        of, left = self._durations.of, self._left()
        own = {each.action.id: due([each], of, left, now) for each in watches}
        limit = max(now + CLOSE_SECONDS, min(own.values()))
        wanted = [each for each in watches if own[each.action.id] <= limit]
        others = [each.action for each in self._watches.values() if each not in wanted and each.since < now]
        told: list[Progress] = []
        try:
            with deadlines.until(now + POLL_SECONDS):  # not that of whoever came first
                told = await self._cloud.progress([each.action for each in wanted], others)
        except LookRefused as refused:
            for watch in wanted:
                self._fail(watch, errors.unavailable(refused))
        except errors.NotFinal as error:
            log.warning("look_failed", waiting=len(wanted), **errors.fields(error))
        for progress in told:
            self._learn(progress, now)
        known = {each.action.id for each in told}
        for watch in wanted:
            if watch.action.id not in known:
                self._put_off(watch)

    def _learn(self, found: Progress, asked: float) -> None:
        """Take in what a look at time ``asked`` has found."""
        watch = self._watches.get(found.action.id)
        if watch is None:
            return  # whoever waited has left meanwhile
        age = asked - watch.since
        watch.refused = 0
        if not found.ended:
            watch.looked, watch.over = max(watch.looked, age), None
            return
        prompt = asyncio.get_running_loop().time() - asked <= PROMPT_SECONDS
        if prompt and found.state is not ActionState.FORGOTTEN:
            self._durations.ended(watch.action.kind, min(age, watch.over or age), watch.looked, found.took)
        ended = replace(found, action=watch.action)
        for waiter in watch.waiters | watch.starters:
            if not waiter.done():
                waiter.set_result(ended)
        self._forget(watch)

    def _fail(self, watch: Watch, error: errors.DriverError) -> None:
        for waiter in watch.waiters | watch.starters:
            if not waiter.done():
                waiter.set_exception(error)
        self._forget(watch)

    def _leave(self, watch: Watch) -> None:
        """One who waited has left."""
        self._changed.set()
        if not watch.calls:
            self._forget(watch)

    def _forget(self, watch: Watch) -> None:
        if self._watches.get(watch.action.id) is watch:
            del self._watches[watch.action.id]
            self._changed.set()

    @staticmethod
    def _put_off(watch: Watch) -> None:
        now = asyncio.get_running_loop().time()
        pause = max(FAILED_PAUSE_SECONDS, (now - watch.since) * FAILED_PAUSE_PART)
        watch.held_until = now + min(LONGEST_PAUSE_SECONDS, pause)
