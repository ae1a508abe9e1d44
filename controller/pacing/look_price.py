"""When to look next at actions that are under way, and what a look may cost: decisions without I/O or clock.

A look costs a request. A look that comes late costs the time of whoever waits. What a request is worth, in seconds of
one waiting call, is its price: little while the hour and the minute are full, much when less than a fifth of either is
left, or will be at this speed, and as long as the queue in front of the rate limit where requests wait.
Source: R. E. Barlow, F. Proschan, "Mathematical Theory of Reliability", on when to inspect.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from controller.pacing.action_durations import Distribution

CHEAP, DEAR = 0.017, 1.0  # seconds of waiting that a request may cost, with a full budget and with none to spare
SCARCE, AMPLE = 0.2, 0.6  # below this part of the hour every request is dear, and above that one cheap
AHEAD_SECONDS = 600.0  # so far, the use of the last minute is taken to go on
PATIENCE_SECONDS = 1.0  # a call that has waited so long counts half for each further second
BEHIND = 0.5  # a call further back in a server's line, against one that waits for this very end
SHORTEST_SECONDS, SHORTEST_LIST_SECONDS, LONGEST_SECONDS = 0.1, 0.25, 8.0  # between two looks
STEP_RATIO, FINE_STEPS = 1.12, 6
SAMPLE = 16  # so many of the actions that are awaited speak for all


class Left(NamedTuple):
    """What is left of the budget. ``hour_limit`` 0: the cloud has not told it."""

    hour_limit: int
    hour: int
    reset_seconds: float
    minute_limit: int
    minute: int  # of the limit, what is left of the last minute
    waiting: int = 0  # requests that wait for the rate limit


class Allowance(Protocol):
    """Tells what is left of the budget."""

    def left(self) -> Left:
        """Return it, as it is now."""
        ...


class Awaited(NamedTuple):
    """An action that is under way: it was at age ``looked``, and is ``age`` old now, seconds."""

    durations: Distribution
    age: float
    looked: float
    weight: float


def plenty(left: Left) -> float:
    """Return how free the budget is: 1 while it is full, 0 when nothing is to be spent for speed alone."""
    if not left.hour_limit or left.waiting:
        return 0.0
    used_in_a_minute = left.minute_limit - left.minute
    soon = used_in_a_minute / 60 * min(AHEAD_SECONDS, left.reset_seconds)
    hour = ((left.hour - soon) / left.hour_limit - SCARCE) / (AMPLE - SCARCE)
    minute = 2 * left.minute / max(1, left.minute_limit)
    return max(0.0, min(1.0, hour, minute))


def price(left: Left) -> float:
    """Return what a request is worth: seconds of one waiting call."""
    queue = left.waiting * 60 / max(1, left.minute_limit)  # each who waits for the rate limit waits so much longer
    return float(CHEAP * (DEAR / CHEAP) ** (1 - plenty(left)) + queue)


def weight(age: float, waiting: int, behind: int, left: Left) -> float:
    """Return what a second of lateness costs: the calls that wait for an end, and those behind them in the line.

    While requests wait for the rate limit, an earlier end helps no one further back.
    """
    calls = waiting + (0 if left.waiting else BEHIND * behind)
    return max(1.0, calls) / (1 + age / PATIENCE_SECONDS)


def arrivals(left: Left) -> float:
    """Return how many actions more are begun in a second, as far as the budget tells: those that wait for it."""
    return min(left.waiting / LONGEST_SECONDS, left.minute_limit / 60)


def next_look(awaited: Sequence[Awaited], request: float, arriving: float = 0.0) -> float:
    """Return in how many seconds one look at all of them costs least for each answer that it brings.

    Waiting ``s`` seconds costs the request and the lateness of each that has ended meanwhile, and brings as many
    answers as have ended: the quotient is smallest at the right moment. ``arriving`` more begin in each second.
    """
    some = awaited if len(awaited) <= SAMPLE else awaited[:: -(-len(awaited) // SAMPLE)]
    known = [(*each, *each.durations.ended(each.looked)) for each in some]
    part = len(some) / len(awaited)
    typical, weight = some[0].durations, some[0].weight

    def cost(seconds: float) -> float:
        answers = weight * arriving * part * typical.ended(seconds)[1]
        late = answers * seconds / 2
        for durations, age, looked, each, ended, area in known:
            then, area_then = durations.ended(age + seconds)
            alive = max(1e-9, 1 - ended)
            answers += each * max(0.0, then - ended) / alive
            late += each * max(0.0, area_then - area - ended * (age + seconds - looked)) / alive
        return (request * part + late) / max(1e-9, answers)

    best, seconds = 0.0, SHORTEST_SECONDS / 2
    least = cost(best)
    while seconds <= LONGEST_SECONDS:
        if (here := cost(seconds)) < least:
            best, least = seconds, here
        seconds *= STEP_RATIO
    around = [best * math.pow(STEP_RATIO, step / FINE_STEPS) for step in range(1 - FINE_STEPS, FINE_STEPS)]
    return min(around, key=cost)
