"""How long actions take, as far as was seen: so that the first look at an action comes when it has just ended.

A look tells a bound: the action had ended at that age, or had not. As long as the bounds of the last actions of a kind
agree, the guess is the smallest age at which one had ended, and an earlier one is tried only while that may be
worth a wasted look. Where they contradict each other, durations vary, and the guess is an age at which most had ended.
Ages are seconds since the action's start was acknowledged.
"""

from collections import deque
from typing import NamedTuple

from controller.cloud.base import Kind

FIRST_GUESS_SECONDS = 1.0
REMEMBERED = 40
GAP_PART, GAP_SECONDS = 0.04, 0.05  # a gap below the larger of both is not worth a look
TRY_PART = 0.4
MOST_PART = 0.8  # where durations vary, so many of the actions have ended when they are looked at first
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.15, 8.0
PAUSE_PART = 0.12


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
            return sorted(each.high for each in seen)[int(len(seen) * MOST_PART)]
        gap = high - low
        return high if gap <= max(GAP_SECONDS, GAP_PART * high) else high - gap * TRY_PART

    def ended(self, kind: Kind, age: float, earlier: float) -> None:
        """A look found the action ended at ``age``; ``earlier`` is the age of the look before, 0 if there was none."""
        self._seen[kind].append(Bounds(earlier, age))

    def pause(self, age: float) -> float:
        """Return how long to wait for the next look at an action that is under way at ``age``."""
        return min(LONGEST_PAUSE_SECONDS, max(SHORTEST_PAUSE_SECONDS, age * PAUSE_PART))
