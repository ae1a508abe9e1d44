"""Service level objectives: figures as ratios to what the cloud itself takes, each beside its limit."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean, median, quantiles

from benchmarks.service_levels import levels
from benchmarks.service_levels.levels import FIXED, LIVES_ALONE, SHORT, SLOW
from benchmarks.service_levels.metered import REQUEST_SECONDS, SHAPES
from benchmarks.service_levels.stand import PER_MINUTE, Cost, in_virtual_time

LATE_SECONDS = {FIXED: 0.15, SHORT: 0.15, SLOW: 0.35}
REQUESTS_ALONE = {FIXED: 7.0, SHORT: 10.0, SLOW: 14.0}
REQUESTS_SCARCE = {FIXED: 6.1, SHORT: 6.1, SLOW: 7.0}  # four changes, and each of two actions is read once
LIVES, AT_ONCE = 20, 10
VOLUMES, SERVERS = 15, 100


@dataclass(frozen=True)
class Level:
    """One figure beside its limit."""

    what: str
    value: float
    limit: float

    @property
    def ratio(self) -> float:
        """How much of the limit is used."""
        return self.value / self.limit if self.limit else 1 + self.value

    @property
    def met(self) -> bool:
        """Whether the figure is within the limit."""
        return self.value <= self.limit


def alone(shape: str, seed: int) -> Iterator[Level]:
    """One life at a time."""
    cost = in_virtual_time(levels.alone(shape, seed))
    for number, kind in enumerate(("attach", "detach")):
        allowed = fmean(cost.took[number::2]) + 2 * REQUEST_SECONDS + LATE_SECONDS[shape]
        yield Level(f"{kind} alone, p50, seconds", median(cost.calls[kind]), allowed)
    yield Level("requests a life, alone", cost.requests / LIVES_ALONE, REQUESTS_ALONE[shape])
    scarce = in_virtual_time(levels.alone(shape, seed, scarce=True))
    what = "requests a life, alone, a fifth of the hour left"
    yield Level(what, scarce.requests / LIVES_ALONE, REQUESTS_SCARCE[shape])


def together(shape: str, seed: int) -> Iterator[Level]:
    """20 lives, 10 at once."""
    cost = in_virtual_time(levels.together(shape, seed, lives=LIVES, at_once=AT_ONCE))
    if shape == SHORT:
        yield Level("attach, 10 at once, p50, seconds", median(cost.calls["attach"]), 1.45)
        yield Level("20 lives, 10 at once, seconds", cost.seconds, 7.5)
        yield Level("requests a life, 10 at once", cost.requests / LIVES, 6.0)
    if shape == FIXED:
        yield Level("20 lives, 10 at once, seconds", cost.seconds, 10.1)
        yield Level("requests a life, 10 at once", cost.requests / LIVES, 5.0)
    yield Level("429s and refused starts, 10 at once", cost.throttled + cost.pending, 0)
    scarce = in_virtual_time(levels.together(shape, seed, lives=LIVES, at_once=AT_ONCE, scarce=True))
    yield Level("requests a life, 10 at once, a fifth of the hour left", scarce.requests / LIVES, 5.0)


def one_server(shape: str, seed: int) -> Iterator[Level]:
    """15 attaches to one server."""
    cost = in_virtual_time(levels.one_server(shape, seed, VOLUMES))
    serial = sum(cost.took) + VOLUMES * REQUEST_SECONDS
    yield Level("15 attaches to one server, seconds", cost.seconds, 1.12 * serial)
    yield Level("429s, 15 attaches to one server", cost.throttled, 0)


def many_servers(shape: str, seed: int) -> Iterator[Level]:
    """100 servers, 15 attaches each."""
    cost = in_virtual_time(levels.many_servers(shape, seed, SERVERS, VOLUMES))
    last = quantiles(cost.calls["attach"], n=100)[-1] if shape == SLOW else cost.seconds
    which = "99 % of " if shape == SLOW else ""  # an action of a minute may be the last to be begun
    yield Level(f"{which}100 x 15 attaches, seconds", last, 1.15 * _larger_limit(cost))
    yield Level("429s, 100 x 15 attaches", cost.throttled, 0)


def _larger_limit(cost: Cost) -> float:
    slowest = max(sum(cost.took[server::SERVERS]) for server in range(SERVERS))
    return max(VOLUMES * REQUEST_SECONDS + slowest, SERVERS * VOLUMES / PER_MINUTE * 60)


def running_out(shape: str, seed: int) -> Iterator[Level]:
    """An hour that runs out, two replicas, a clock that is off, a client beside them."""
    found = in_virtual_time(levels.running_out(shape, seed))
    yield Level("refused starts, while the hour runs out", found.pending, 0)
    yield Level("looks that used the reserve of the hour", found.looks_in_reserve, 0)
    yield Level("429s of 100 requests, while the hour runs out", 100 * found.throttled / found.requests, 5)


PARTS = (alone, together, one_server, many_servers, running_out)


def every(seed: int) -> Iterator[tuple[str, Level]]:
    """Measure all, on each shape."""
    for shape in SHAPES:
        for part in PARTS:
            for level in part(shape, seed):
                yield shape, level
