"""The minute limit: which requests of the last minute count, and when there is room for more.

The API tells the minute limit by a 429 alone, so it is kept from our side: a sliding window of what we sent and of what
others were seen to send. We take what they leave, and half of it at least, so that no one who came first keeps it all.
After a 429 the allowance shrinks, and grows back while there is none: so more than two come to their shares, too.
However long a 429 asks to wait, after two minutes one request at a time asks whether that still holds.
Source: DigitalOcean API "Rate Limit".
"""

from collections import deque
from contextlib import suppress

SPAN_SECONDS = 61.0  # a minute; the API counts from the arrival of a request, we from its departure
SMALLEST_ALLOWANCE = 20
SHRINK = 0.75
SHRINK_PAUSE_SECONDS = 10.0  # the 429s of one burst count once
GROWTH_PART_PER_SECOND = 0.04 / 60  # of the limit: 4 % more in each minute
LONGEST_CLOSED_SECONDS = 120.0
PROBE_SECONDS = 2.0  # between requests that ask whether the API has opened again


class MinuteLimit:
    """Times are loop time, seconds. ``limit`` is what the API allows in a minute."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._allowance = float(limit)
        self._own: deque[float] = deque()
        self._others: deque[tuple[float, int]] = deque()  # one entry a second at the most
        self._changed_at = 0.0
        self._shrunk_at = float("-inf")
        self._closed_until = float("-inf")
        self._probing = False

    @property
    def allowance(self) -> int:
        """How many requests a minute we allow ourselves now."""
        return int(self._allowance)

    def room(self, now: float) -> int:
        """Return how many requests of the last minute's allowance are unused."""
        self._forget(now)
        return max(0, self.allowance - len(self._own) - sum(count for _, count in self._others))

    def use(self, now: float) -> None:
        """Count a request of ours as sent now."""
        self._own.append(now)

    def give_back(self, sent: float) -> None:
        """A request that was counted at ``sent`` has never left."""
        with suppress(ValueError):  # it has left the window
            self._own.remove(sent)

    def others(self, now: float, count: int) -> None:
        """Others were seen to have sent that many; more than the limit they cannot have."""
        if count <= 0:
            return
        if self._others and now - self._others[-1][0] < 1:
            _, before = self._others.pop()
            count += before
        self._others.append((now, min(count, self._limit)))

    def refuse(self, now: float, retry_after: float) -> None:
        """The API refused: nothing is sent for ``retry_after`` seconds, two minutes at most, and less afterwards."""
        self._closed_until = max(self._closed_until, now + min(retry_after, LONGEST_CLOSED_SECONDS))
        self._probing = True
        if now - self._shrunk_at < SHRINK_PAUSE_SECONDS:
            return
        self._grow(now)
        self._allowance = max(SMALLEST_ALLOWANCE, self._allowance * SHRINK)
        self._shrunk_at = now

    def admit(self, now: float) -> None:
        """The API did not refuse. While it is closed, that is an answer to what was sent before."""
        if now >= self._closed_until:
            self._probing = False

    def opens_at(self, now: float, part: float, ahead: int = 0) -> float:
        """Return when a request may go that may use ``part`` (0 to 1) of the allowance, ``ahead`` others first."""
        self._forget(now)
        self._grow(now)
        at = max(now, self._closed_until)
        if self._probing and self._own:
            at = max(at, self._own[-1] + PROBE_SECONDS)
        room = max(1, int(self._allowance * part))
        half = max(1, room // 2)
        others = min(self._limit, sum(count for _, count in self._others))
        over = len(self._own) + ahead + 1 - max(half, room - others)
        if over <= 0:
            return at
        return max(at, self._left_at(now, over, with_others=room - others >= half))

    def _left_at(self, now: float, over: int, *, with_others: bool) -> float:
        """Return when that many of the counted requests will have left the window."""
        leaving = [(sent, 1) for sent in self._own]
        if with_others:
            leaving = sorted((*leaving, *self._others))
        rounds, place = divmod(over - 1, max(1, sum(count for _, count in leaving)))
        oldest = now
        for sent, count in leaving:
            oldest, place = sent, place - count
            if place < 0:
                break
        return oldest + SPAN_SECONDS * (rounds + 1)

    def _forget(self, now: float) -> None:
        while self._own and self._own[0] <= now - SPAN_SECONDS:
            self._own.popleft()
        while self._others and self._others[0][0] <= now - SPAN_SECONDS:
            self._others.popleft()

    def _grow(self, now: float) -> None:
        gained = (now - self._changed_at) * self._limit * GROWTH_PART_PER_SECOND
        self._allowance = min(self._limit, self._allowance + gained)
        self._changed_at = now
