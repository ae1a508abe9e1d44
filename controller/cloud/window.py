"""The minute limit: which requests of the last minute count, and when there is room for more.

The API tells the minute limit by a 429 alone, so it is kept from our side: a sliding window of what we sent and of what
others were seen to send. After a 429 the allowance shrinks, and grows back while there is none, which is how several
replicas on one token come to fair shares without knowing of each other. Source: DigitalOcean API "Rate Limit".
"""

from collections import deque

SPAN_SECONDS = 60.0
SMALLEST_ALLOWANCE = 20
SHRINK = 0.7
SHRINK_PAUSE_SECONDS = 10.0  # the 429s of one burst count once
GROWTH_PER_SECOND = 1 / 12  # a twelfth of a request: 5 a minute more in each minute


class MinuteWindow:
    """Times are loop time, seconds. ``limit`` is what the API allows in a minute."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._allowance = float(limit)
        self._events: deque[float] = deque()
        self._changed_at = 0.0
        self._shrunk_at = float("-inf")
        self._closed_until = float("-inf")

    @property
    def allowance(self) -> int:
        """How many requests a minute we allow ourselves now."""
        return int(self._allowance)

    def use(self, now: float, count: int = 1) -> None:
        """Count requests as sent now."""
        self._events.extend([now] * count)

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
        room = max(1, int(self._allowance * part))
        at = max(now, self._closed_until)
        over = len(self._events) + ahead + 1 - room
        if over <= 0:
            return at
        rounds, place = divmod(over - 1, max(1, len(self._events)))
        oldest = self._events[place] if self._events else now
        return max(at, oldest + SPAN_SECONDS * (rounds + 1))

    def _forget(self, now: float) -> None:
        while self._events and self._events[0] <= now - SPAN_SECONDS:
            self._events.popleft()

    def _grow(self, now: float) -> None:
        gained = (now - self._changed_at) * GROWTH_PER_SECOND
        self._allowance = min(self._limit, self._allowance + gained)
        self._changed_at = now
