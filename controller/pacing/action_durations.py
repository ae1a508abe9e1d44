"""How long actions take, as far as was seen: a distribution of durations for each kind of action.

A look tells a bound: the action had ended at that age, or had not. Of an ended action the cloud tells when it began and
when it ended, in whole seconds: a second bound, which costs no look. No bound tells a duration, but together they do: a
bound gives its weight to the ages that it allows, in proportion to what all bounds say of these ages. Newer bounds
weigh more, and a little weight stays with what is believed before the first look. Ages are seconds since the action's
start was acknowledged.
Source: B. W. Turnbull, "The Empirical Distribution Function with Arbitrarily Grouped, Censored and Truncated Data".
"""

import math
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from controller.cloud.records import Kind

REMEMBERED = 100  # bounds of a kind
FADE = 0.98  # the weight of a bound, against that of the next newer one
BELIEF = 1.0  # the weight of what is believed before the first look, in bounds
ROUNDS = 2  # so often the bounds are spread again; more would see peaks where there are none
STAMP_SECONDS = 1.0  # the cloud's time stamps are whole seconds
TRIP_SECONDS = 0.25  # a start is acknowledged, and a look arrives, so much later than it takes effect
SHORTEST_SECONDS, LONGEST_SECONDS, CELL_RATIO = 0.05, 900.0, 1.04

EDGES = [0.0, SHORTEST_SECONDS]
while EDGES[-1] < LONGEST_SECONDS:
    EDGES.append(EDGES[-1] * CELL_RATIO)
CELLS = len(EDGES) - 1


class Bounds(NamedTuple):
    """An action took longer than the cell before ``first``, and no longer than the cell before ``after``."""

    first: int
    after: int


class Distribution:
    """How likely an action has ended at an age; linear inside each cell."""

    def __init__(self, mass: Sequence[float]) -> None:
        total = sum(mass)
        self._ended = [0.0, *(each / total for each in accumulate(mass))]
        steps = zip(self._ended, self._ended[1:], EDGES, EDGES[1:], strict=False)
        self._area = [0.0, *accumulate((low + high) / 2 * (right - left) for low, high, left, right in steps)]

    def ended(self, age: float) -> tuple[float, float]:
        """Return the probability that an action has ended at that age, and its integral from 0 to there."""
        if age >= EDGES[-1]:
            return 1.0, self._area[-1] + age - EDGES[-1]
        cell = bisect_right(EDGES, age) - 1
        beyond = age - EDGES[cell]
        low, high = self._ended[cell], self._ended[cell + 1]
        here = low + (high - low) * beyond / (EDGES[cell + 1] - EDGES[cell])
        return here, self._area[cell] + (low + here) / 2 * beyond

    def median(self) -> float:
        """Return the age at which half of the actions have ended."""
        return EDGES[min(CELLS, bisect_left(self._ended, 0.5))]


def _belief(age: float) -> float:
    """Before the first look: "one to several seconds", seldom less, and the longer the less likely."""
    return min(1.0, math.pow(age / 1.2, 3), math.pow(6.0 / age, 1.2))


BELIEVED = [_belief((left + right) / 2) for left, right in pairwise(EDGES)]
WIDTHS = [right - left for left, right in pairwise(EDGES)]
BELIEVED_SUM = sum(BELIEVED)


class Durations:
    """Learns from looks."""

    def __init__(self) -> None:
        self._seen: dict[Kind, deque[Bounds]] = {kind: deque(maxlen=REMEMBERED) for kind in Kind}
        self._fitted: dict[Kind, Distribution] = {}

    def of(self, kind: Kind) -> Distribution:
        """Return how long actions of that kind take."""
        if kind not in self._fitted:
            self._fitted[kind] = Distribution(_fit(self._seen[kind]))
        return self._fitted[kind]

    def ended(self, kind: Kind, age: float, earlier: float, told: float | None = None) -> None:
        """A look found the action ended at ``age``; ``earlier`` is the age of the look before, 0 if there was none.

        ``told`` is how long it took by the cloud's own time stamps, whole seconds; None if the cloud does not say.
        """
        low, high = _stamped(told)
        if high <= earlier or low >= age:  # stamps that our own looks contradict are wrong
            low, high = 0.0, age
        low, high = max(low, earlier), min(high, age)
        first = min(CELLS - 1, bisect_right(EDGES, low) - 1)
        self._seen[kind].append(Bounds(first, min(CELLS, max(first + 1, bisect_left(EDGES, high)))))
        self._fitted.pop(kind, None)


def _stamped(told: float | None) -> tuple[float, float]:
    """Return how long an action took, at least and at most, by the cloud's time stamps."""
    if told is None or told < 0:
        return 0.0, LONGEST_SECONDS
    return max(0.0, told - STAMP_SECONDS - TRIP_SECONDS), told + STAMP_SECONDS


def _fit(seen: deque[Bounds]) -> list[float]:
    """Return the weight of each cell, self-consistent with the bounds."""
    prior = [each * BELIEF / BELIEVED_SUM for each in BELIEVED]
    mass, newest = WIDTHS, len(seen) - 1
    if not seen:
        return BELIEVED
    for _ in range(ROUNDS):
        upto = [0.0, *accumulate(mass)]
        steps = [0.0] * (CELLS + 1)
        for number, (first, after) in enumerate(seen):
            share = FADE ** (newest - number) / max(1e-12, upto[after] - upto[first])
            steps[first] += share
            steps[after] -= share
        mass = [old * max(0.0, each) + least for old, each, least in zip(mass, accumulate(steps), prior, strict=False)]
    return mass
