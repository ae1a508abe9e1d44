"""The scheduler in front of every request: nothing is sent that the rate limit would refuse.

Requests wait in lanes; the most urgent lane goes first, and inside a lane everyone for whom something is asked gets the
same share. Every fourth turn goes to whoever has waited longest, so that no lane starves. The less urgent a lane is,
the more it must leave unused. A request that cannot be sent before its deadline fails at once, with the time to wait.
"""

import asyncio
import random
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from common import errors
from controller.cloud.traits import Quota
from controller.codes import Code
from controller.pacing.hour_limit import HourLimit
from controller.pacing.lanes import Lane
from controller.pacing.limit_headers import retry_after, told
from controller.pacing.look_price import Left
from controller.pacing.minute_limit import MinuteLimit

REQUESTS_PER_MINUTE = 250
PATIENCE_SECONDS = 20.0  # who has waited so long counts as most urgent, ...
OLDEST_EVERY = 4  # ... at every fourth turn
RETRY_AFTER_SECONDS = 5.0  # if a 429 does not say how long


class Margin(NamedTuple):
    """What a lane may use: a part of the minute's allowance, and a part of the hour's limit that it must leave."""

    minute: float
    hour_reserve: float


MARGINS = {
    Lane.DETACH: Margin(1.0, 0.0),
    Lane.POLL: Margin(1.0, 0.005),
    Lane.ATTACH: Margin(0.97, 0.01),
    Lane.CHANGE: Margin(0.94, 0.03),
    Lane.READ: Margin(0.9, 0.05),
    Lane.LIST: Margin(0.8, 0.1),
}


@dataclass(eq=False)
class Waiter:
    """A request that waits for its turn."""

    lane: Lane
    share: str
    since: float
    turn: asyncio.Future[float]


class Budget:
    """Lets requests through. ``wall`` returns seconds since 1970, for what the API says in such."""

    def __init__(
        self,
        per_minute: int = REQUESTS_PER_MINUTE,
        wall: Callable[[], float] = time.time,
        quota: Quota = Quota.ROLLING,
    ) -> None:
        self.window = MinuteLimit(per_minute)
        self.quota = HourLimit(refills=quota is Quota.REFILL)
        self.wall = wall
        self._lanes: dict[Lane, OrderedDict[str, deque[Waiter]]] = {lane: OrderedDict() for lane in Lane}
        self._waiting: OrderedDict[Waiter, None] = OrderedDict()  # oldest first
        self._granted = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """How many requests wait for the rate limit."""
        return len(self._waiting)

    def waiting_in(self, lane: Lane) -> int:
        """How many requests of a lane wait for the rate limit."""
        return sum(len(waiters) for waiters in self._lanes[lane].values())

    def left(self) -> Left:
        """Return what is left of the limits, for whoever decides how much to ask."""
        now = asyncio.get_running_loop().time()
        hour, minute = self.quota, self.window
        return Left(
            hour.limit, hour.remaining, hour.reset_seconds(now), minute.allowance, minute.room(now), len(self._waiting)
        )

    async def admit(self, lane: Lane, share: str, deadline: float) -> float:
        """Wait for the turn of one request, and return when it came.

        Times are loop time. Raises Unavailable if it cannot come before ``deadline``.
        """
        loop = asyncio.get_running_loop()
        waiter = Waiter(lane, share, loop.time(), loop.create_future())
        self._enqueue(waiter)
        try:
            self._pump()
            if not waiter.turn.done():
                self._check(lane, deadline)
                async with asyncio.timeout_at(deadline):
                    await waiter.turn
            return waiter.turn.result()
        except TimeoutError:
            self._return_unused(waiter)
            raise self._too_late(lane) from None
        except asyncio.CancelledError:
            self._return_unused(waiter)
            raise
        finally:
            if waiter in self._waiting:
                self._dequeue(waiter)

    def _return_unused(self, waiter: Waiter) -> None:
        """Its turn came at the very moment at which it gave up: nothing is sent."""
        if waiter.turn.done() and not waiter.turn.cancelled():
            self.unsent(waiter.turn.result())

    def learn(self, headers: Mapping[str, str], *, limited: bool = False) -> None:
        """Take in what a reply tells of the limits. ``limited``: a limit of the account has refused it.

        A refusal of one operation, whatever its status, is no such limit.
        """
        now = asyncio.get_running_loop().time()
        self.quota.end()
        reply = told(headers, self.wall())
        if reply is not None:
            self.window.others(now, self.quota.learn(reply, now))
        if limited:
            spread = random.uniform(1, 1.1)  # noqa: S311 (keeps replicas apart, keeps no secret)
            self.window.refuse(now, retry_after(headers, RETRY_AFTER_SECONDS, self.wall()) * spread)
        else:
            self.window.admit(now)
        self._pump()

    def no_answer(self) -> None:
        """A request got no answer."""
        self.quota.unanswered(asyncio.get_running_loop().time())
        self._pump()

    def unsent(self, turn: float) -> None:
        """The request whose ``turn`` it was then has never left: it takes nothing from the limits."""
        self.window.give_back(turn)
        self.quota.give_back(asyncio.get_running_loop().time())
        self._pump()

    def _enqueue(self, waiter: Waiter) -> None:
        self._lanes[waiter.lane].setdefault(waiter.share, deque()).append(waiter)
        self._waiting[waiter] = None

    def _dequeue(self, waiter: Waiter) -> None:
        """Take a waiter out; its share goes to the end of the lane."""
        del self._waiting[waiter]
        lane = self._lanes[waiter.lane]
        lane[waiter.share].remove(waiter)
        if lane[waiter.share]:
            lane.move_to_end(waiter.share)
        else:
            del lane[waiter.share]

    def _pump(self) -> None:
        """Let through what may go; come back when the next may."""
        now = asyncio.get_running_loop().time()
        while self._waiting:
            waiter, lane = self._first(now)
            at = self._opens_at(lane, now)
            if at > now:
                self._return_at(at)
                return
            self._dequeue(waiter)
            if not waiter.turn.done():
                self._granted += 1
                self.window.use(now)
                self.quota.use(now)
                waiter.turn.set_result(now)

    def _first(self, now: float) -> tuple[Waiter, Lane]:
        """Return who is next, and as which lane it counts."""
        oldest = next(iter(self._waiting))
        if self._granted % OLDEST_EVERY == 0 and now - oldest.since >= PATIENCE_SECONDS:
            return oldest, Lane.DETACH
        lane = next(lane for lane in Lane if self._lanes[lane])
        return next(iter(self._lanes[lane].values()))[0], lane

    def _opens_at(self, lane: Lane, now: float, ahead: int = 0) -> float:
        margin = MARGINS[lane]
        return max(self.window.opens_at(now, margin.minute, ahead), self.quota.opens_at(now, margin.hour_reserve))

    def _return_at(self, when: float) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
        patience = next(iter(self._waiting)).since + PATIENCE_SECONDS
        wake = min(when, patience) if patience > loop.time() else when
        self._timer = loop.call_at(wake, self._pump)

    def _check(self, lane: Lane, deadline: float) -> None:
        """Refuse at once what cannot be in time: it would only hold its caller's worker."""
        if self._forecast(lane) > deadline:
            raise self._too_late(lane)

    def _forecast(self, lane: Lane) -> float:
        ahead = sum(len(waiters) for each in Lane if each <= lane for waiters in self._lanes[each].values()) - 1
        return self._opens_at(lane, asyncio.get_running_loop().time(), max(0, ahead))

    def _too_late(self, lane: Lane) -> errors.Unavailable:
        wait = self._forecast(lane) - asyncio.get_running_loop().time()
        return errors.Unavailable(
            f"the cloud's rate limit leaves no room: retry after {max(1.0, wait):.0f} s", error_code=Code.RATE_LIMIT
        )
