"""What to ask next of the actions that are under way: all by the list, one by itself, or the start of the next one."""

import asyncio
from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass, field

from controller.cloud.records import Kind, Pending, Progress
from controller.pacing import look_price
from controller.pacing.action_durations import Distribution
from controller.pacing.look_price import Awaited, Left

STARTS_AT_MOST = 4  # with more actions under way than that, one look at the list costs less than a start for each
STARTS_IN_A_ROW = 4  # refused ones; then the action is looked at, since the event that is pending may be another one

Of = Callable[[Kind], Distribution]


@dataclass(eq=False)
class Watch:
    """An action that a call waits for. Times are loop time, ages are seconds since its start was acknowledged."""

    action: Pending
    since: float
    looked: float = 0.0  # its age at the last look that found it under way
    held_until: float = 0.0  # nothing is asked before
    over: float | None = None  # its age when the server took the next action: it has ended, how well is not known
    refused: int = 0  # starts of the next action, in a row
    line: Sized = ()  # the calls that wait behind the one that may start the next action
    waiters: set[asyncio.Future[Progress | None]] = field(default_factory=set)
    starters: set[asyncio.Future[Progress | None]] = field(default_factory=set)  # may be told to start: None

    @property
    def calls(self) -> int:
        """How many calls wait for its end."""
        return len(self.waiters) + len(self.starters)


@dataclass(frozen=True)
class Step:
    """What is to be done at a time: one look at some actions, or the start of the next one after one of them."""

    at: float
    watches: Sequence[Watch]
    start: bool = False


def with_lines(left: Left, watches: Sequence[Watch]) -> Left:
    """Return what is left when the calls in the servers' lines are counted, too.

    Those for which the minute has no request wait for the rate limit already: each look delays them.
    """
    behind = sum(2 + len(each.line) for each in watches)
    return left._replace(waiting=left.waiting + max(0, behind - left.minute))


def steps(watches: Sequence[Watch], of: Of, left: Left, now: float, last_look: float) -> list[Step]:
    """Return what is to be done, each at its time. ``last_look`` is when several were looked at before."""
    may_start = len(watches) <= STARTS_AT_MOST and look_price.plenty(left) > 0
    starting = [each for each in watches if may_start and _may_be_tried(each)]
    looking = [each for each in watches if each not in starting]
    found = [Step(due([each], of, left, now), [each], start=True) for each in starting]
    if looking:
        at = due(looking, of, left, now)
        pause = look_price.SHORTEST_LIST_SECONDS if len(looking) > 1 else 0.0
        found.append(Step(max(at, last_look + pause), looking))
    return found


def due(watches: Sequence[Watch], of: Of, left: Left, now: float) -> float:
    """Return when to ask about all of them at once."""
    open_now = [each for each in watches if each.held_until <= now]
    if not open_now:
        return min(each.held_until for each in watches)
    if any(each.over is not None for each in open_now):
        return now
    awaited = [_awaited(each, of, left, now) for each in open_now]
    earliest = min(each.since + each.looked + look_price.SHORTEST_SECONDS for each in open_now)
    return max(earliest, now + look_price.next_look(awaited, look_price.price(left), look_price.arrivals(left)))


def _awaited(watch: Watch, of: Of, left: Left, now: float) -> Awaited:
    age = max(0.0, now - watch.since)
    weight = look_price.weight(age, watch.calls, len(watch.line), left)
    return Awaited(of(watch.action.kind), age, min(watch.looked, age), weight)


def _may_be_tried(watch: Watch) -> bool:
    return bool(watch.starters) and watch.over is None and watch.refused < STARTS_IN_A_ROW
