"""The rate limit: a number of requests an hour and a minute, in windows that slide.

Source: DigitalOcean API "Rate Limit".
"""

import math
from collections import deque
from dataclasses import dataclass

from localcloud import api_errors
from localcloud.clock import Clock

HOUR_SECONDS = 3600.0
MINUTE_SECONDS = 60.0


@dataclass(frozen=True)
class Budget:
    """What the reply's headers say: the limit an hour, what is left of it, and when the oldest request falls out."""

    limit: int
    remaining: int
    reset: int


class Rates:
    """The requests of the last hour and of the last minute. A limit of 0 is none."""

    def __init__(self, clock: Clock, hour_limit: int, minute_limit: int) -> None:
        self._clock = clock
        self._hour = _Window(hour_limit, clock.real_seconds(HOUR_SECONDS))
        self._minute = _Window(minute_limit, clock.real_seconds(MINUTE_SECONDS))

    def last_minute(self) -> int:
        """Return how many requests there were in the last minute, whether there is a limit or not."""
        return self._minute.used(self._clock.now())

    def admit(self) -> None:
        """Count one request. Raises the Problem 429 if a limit is reached; a refused request isn't counted."""
        now = self._clock.now()
        if self._hour.is_full(now):
            raise api_errors.too_many_requests(None)
        if self._minute.is_full(now):
            raise api_errors.too_many_requests(max(1, math.ceil(self._minute.free_at(now) - now)))
        if self._hour.has_limit:
            self._hour.add(now)
        self._minute.add(now)

    def budget(self) -> Budget:
        """Return what is left of the hour."""
        now = self._clock.now()
        return Budget(self._hour.shown_limit, self._hour.remaining(now), math.ceil(self._hour.free_at(now)))

    def minute_budget(self) -> Budget:
        """Return what is left of the minute."""
        now = self._clock.now()
        return Budget(self._minute.shown_limit, self._minute.remaining(now), math.ceil(self._minute.free_at(now)))


NO_LIMIT_SHOWN = 1_000_000  # what the headers say when there is no limit


class _Window:
    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._times: deque[float] = deque()

    @property
    def has_limit(self) -> bool:
        return self._limit > 0

    @property
    def shown_limit(self) -> int:
        return self._limit or NO_LIMIT_SHOWN

    def is_full(self, now: float) -> bool:
        self._forget(now)
        return 0 < self._limit <= len(self._times)

    def add(self, now: float) -> None:
        self._times.append(now)

    def used(self, now: float) -> int:
        self._forget(now)
        return len(self._times)

    def remaining(self, now: float) -> int:
        self._forget(now)
        return self.shown_limit - (len(self._times) if self._limit else 0)

    def free_at(self, now: float) -> float:
        self._forget(now)
        return (self._times[0] if self._times else now) + self._seconds

    def _forget(self, now: float) -> None:
        while self._times and self._times[0] <= now - self._seconds:
            self._times.popleft()
