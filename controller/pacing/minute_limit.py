"""The minute limit: which requests of the last minute count, and when there is room for more.

The API tells the minute limit by a 429 alone, so it is kept from our side: a sliding window of what we sent and of what
others were seen to send. We take what they leave, and half of it at least, so that nobody who came first keeps it all.
After a 429 the allowance shrinks, and grows back while there is none: so more than two come to their shares, too.
Source: DigitalOcean API "Rate Limit".
"""

from collections import deque

SPAN_SECONDS = 61.0  # a minute; the API counts from the arrival of a request, we from its departure
SMALLEST_ALLOWANCE = 20
SHRINK = 0.75
SHRINK_PAUSE_SECONDS = 10.0  # the 429s of one burst count once
GROWTH_PART_PER_SECOND = 0.04 / 60  # of the limit: 4 % more in each minute


class MinuteLimit:
    """Times are loop time, seconds. ``limit`` is what the API allows in a minute."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._allowance = float(limit)
        self._own: deque[float] = deque()
        self._others: deque[float] = deque()
        self._changed_at = 0.0
        self._shrunk_at = float("-inf")
        self._closed_until = float("-inf")

    @property
    def allowance(self) -> int:
        """How many requests a minute we allow ourselves now."""
        return int(self._allowance)

    def use(self, now: float) -> None:
        """Count a request of ours as sent now."""
        self._own.append(now)

    def others(self, now: float, count: int) -> None:
        """Others were seen to have sent so many."""
        self._others.extend([now] * count)

    def refuse(self, now: float, retry_after: float) -> None:
        """The API refused: nothing is sent for ``retry_after`` seconds, and less afterwards."""
        self._closed_until = max(self._closed_until, now + retry_after)
        if now - self._shrunk_at < SHRINK_PAUSE_SECONDS:
            return
        self._grow(now)
        self._allowance = max(SMALLEST_ALLOWANCE, self._allowance * SHRINK)
        self._shrunk_at = now

    def opens_at(self, now: float, part: float, ahead: int = 0) -> float:
        """Return when a request may go that may use ``part`` (0 to 1) of the allowance, ``ahead`` others first."""
        self._forget(now)
        self._grow(now)
        at = max(now, self._closed_until)
        room = max(1, int(self._allowance * part))
        half = max(1, room // 2)
        over = len(self._own) + ahead + 1 - max(half, room - len(self._others))
        if over <= 0:
            return at
        leaving = self._own if room - len(self._others) < half else sorted((*self._own, *self._others))
        rounds, place = divmod(over - 1, max(1, len(leaving)))
        oldest = leaving[place] if leaving else now
        return max(at, oldest + SPAN_SECONDS * (rounds + 1))

    def _forget(self, now: float) -> None:
        for events in (self._own, self._others):
            while events and events[0] <= now - SPAN_SECONDS:
                events.popleft()

    def _grow(self, now: float) -> None:
        gained = (now - self._changed_at) * self._limit * GROWTH_PART_PER_SECOND
        self._allowance = min(self._limit, self._allowance + gained)
        self._changed_at = now
