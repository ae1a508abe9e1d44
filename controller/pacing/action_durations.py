"""How long actions take, as far as was seen: so that the first look at an action comes when it has just ended.

A look tells a bound: the action had ended at that age, or had not. Of an ended action the cloud tells when it began and
when it ended, in whole seconds: a second bound, which costs no look. As long as the bounds of the last actions of a
kind agree, the guess is the smallest age at which one had ended, and an earlier one is tried, a fifth earlier at most,
while that may be worth a wasted look. Where they contradict each other, durations vary, and the guess is an age at
which most had ended. Before the first action of a kind the guess is late: a wasted look costs a request, and nobody
knows yet what waiting is good for. Ages are seconds since the action's start was acknowledged.
"""

from collections import deque
from typing import NamedTuple

from controller.cloud.base import Kind

FIRST_GUESS_SECONDS = 2.5  # "one to several seconds": more than half of the actions have ended by then
REMEMBERED = 200  # bounds; what was tried in vain is not tried again for so long
RECENT = 40  # where durations vary, so many of the last tell how
STAMP_SECONDS = 1.0  # the cloud's time stamps are whole seconds
GAP_PART, GAP_SECONDS = 0.04, 0.05  # a gap below the larger of both is not worth a look
TRY_PART, TRY_STEP_PART = 0.4, 0.2  # of the gap, and of the guess: an earlier look is tried by the smaller of both
MOST_PART = 0.8  # where durations vary, so many of the actions have ended when they are looked at first
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.15, 8.0
PAUSE_PART, LONGEST_PAUSE_PART = 0.25, 0.5  # of the age


class Bounds(NamedTuple):
    """An action took longer than ``low`` and no longer than ``high``, seconds."""

    low: float
    high: float


class Durations:
    """Learns from looks."""

    def __init__(self) -> None:
        self._seen: dict[Kind, deque[Bounds]] = {kind: deque(maxlen=REMEMBERED) for kind in Kind}

    def guess(self, kind: Kind) -> float:
        """Return the age at which an action of that kind should be looked at first."""
        seen = self._seen[kind]
        if not seen:
            return FIRST_GUESS_SECONDS
        low, high = max(each.low for each in seen), min(each.high for each in seen)
        if low >= high:
            return _most(self._recent(kind))
        gap = high - low
        worth_it = gap > max(GAP_SECONDS, GAP_PART * high)
        return high - min(gap * TRY_PART, high * TRY_STEP_PART) if worth_it else high

    def ended(self, kind: Kind, age: float, earlier: float, told: float | None = None) -> None:
        """A look found the action ended at ``age``; ``earlier`` is the age of the look before, 0 if there was none.

        ``told`` is how long it took by the cloud's own time stamps, whole seconds; None if the cloud does not say.
        """
        stamped = age if told is None or told < 0 else told + STAMP_SECONDS
        high = age if stamped <= earlier else min(age, stamped)  # a stamp that our own look contradicts is wrong
        self._seen[kind].append(Bounds(earlier, high))

    def pause(self, kind: Kind, age: float) -> float:
        """Return how long to wait for the next look at an action of that kind that is under way at ``age``.

        Until most of those that took longer had ended; a part of its age for one that is slower than all before.
        """
        known = (*self._recent(kind), FIRST_GUESS_SECONDS)
        slower = [high for high in known if high > age + GAP_SECONDS]
        wanted = min(_most(slower) - age, age * LONGEST_PAUSE_PART) if slower else age * PAUSE_PART
        return min(LONGEST_PAUSE_SECONDS, max(SHORTEST_PAUSE_SECONDS, wanted))

    def _recent(self, kind: Kind) -> list[float]:
        return [each.high for each in list(self._seen[kind])[-RECENT:]]


def _most(ages: list[float]) -> float:
    """Return the age that most of them do not exceed."""
    return sorted(ages)[int(len(ages) * MOST_PART)]
