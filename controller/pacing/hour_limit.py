"""The hour limit, as the reply headers tell it, and what others on the same token use of it.

Source: DigitalOcean API "Rate Limit": the hour rolls, and the reset is when its oldest request falls out of it.
"""

from controller.pacing.limit_headers import Told

DISORDER_SECONDS = 1.0  # replies overtake each other: for so long, the lower number is the newer
HOUR_SECONDS = 3600.0
UNHEARD = 8  # so many requests others may send before a reply tells us: a reserve is kept with so many more
ALONE_SECONDS = 1.0  # once enough should have come back, one request goes alone, and its reply tells more
PROBE_SECONDS = 120.0  # without a request, one goes and asks though nothing is left: it takes nothing from anybody
PROBE_AGAIN_SECONDS = 10.0  # the same after one that got no answer
RARE_PROBE_SECONDS = 300.0  # the same while little is left: it takes some, but one odd reply may have told so


class HourLimit:
    """What is left of the hour. Times are loop time, seconds.

    ``refills``: the number grows all the time, and the reset is when it will be full. Else each request comes back an
    hour after it was sent, and the first of them at the reset.
    """

    def __init__(self, *, refills: bool = False) -> None:
        self._refills = refills
        self._told_at = 0.0
        self._limit = 0  # 0: nothing is known yet
        self._remaining = 0
        self._lowered_at = float("-inf")
        self._resets_at = 0.0
        self._sent_at = float("-inf")
        self._in_flight = 0
        self._base: int | None = None  # what remained when nothing of ours was under way
        self._own = 0  # what we sent since then
        self._others = 0  # what others sent since then, at the least

    @property
    def limit(self) -> int:
        """Requests an hour; 0 if the API has not told."""
        return self._limit

    @property
    def remaining(self) -> int:
        """What is left after what is under way."""
        return max(0, self._remaining - self._in_flight)

    def told(self, now: float) -> int | None:
        """What is left, if that is known of this hour: after the reset no one has told."""
        return self.remaining if self._limit and now < self._resets_at else None

    def reset_seconds(self, now: float) -> float:
        """Return in how many seconds the hour begins again."""
        return max(0.0, self._resets_at - now)

    def use(self, now: float) -> None:
        """Count a request that is being sent."""
        self._in_flight += 1
        self._own += 1
        self._sent_at = now

    def end(self) -> None:
        """A request has come back."""
        self._in_flight = max(0, self._in_flight - 1)

    def unanswered(self, now: float) -> None:
        """A request has come back without an answer. It has told nothing, so the next one may ask soon."""
        self.end()
        self._sent_at = min(self._sent_at, now + PROBE_AGAIN_SECONDS - PROBE_SECONDS)

    def give_back(self, now: float) -> None:
        """A request that was counted has never left."""
        self.unanswered(now)
        self._own = max(0, self._own - 1)

    def learn(self, reply: Told, now: float) -> int:
        """Take in what a reply tells; return how many requests others must have sent meanwhile."""
        if self._base is None or reply.remaining > self._base:
            self._rebase(reply.remaining)
        if reply.remaining < self._remaining:
            self._lowered_at = now
        if reply.limit != self._limit or reply.remaining < self._remaining or now - self._lowered_at > DISORDER_SECONDS:
            self._remaining = reply.remaining
        self._limit = reply.limit
        self._resets_at, self._told_at = now + reply.reset_seconds, now
        seen = (self._base or 0) - reply.remaining - self._own
        new = max(0, seen - self._others)
        self._others += new
        if self._in_flight == 0:
            self._rebase(self._remaining)  # not what this reply tells: a later one may have overtaken it
        return new

    def opens_at(self, now: float, reserve: float) -> float:
        """Return when a request may go that leaves ``reserve`` (0 to 1) of the limit to others."""
        least = int(self._limit * reserve) + (UNHEARD if reserve else 0)
        if not self._limit or self.remaining > least:
            return now
        at = self._returns_at(least + 1 - self.remaining)
        at = min(at, self._sent_at + (PROBE_SECONDS if self._remaining == 0 else RARE_PROBE_SECONDS))
        if now < at:
            return at
        return now if self._refills or self._in_flight == 0 else now + ALONE_SECONDS

    def _returns_at(self, lacking: int) -> float:
        """Return when that many should have come back."""
        if not self._refills:
            return self._resets_at + (lacking - 1) * HOUR_SECONDS / self._limit
        if self._remaining >= self._limit:
            return self._resets_at
        per_request = (self._resets_at - self._told_at) / (self._limit - self._remaining)
        return min(self._resets_at, self._told_at + lacking * per_request)

    def _rebase(self, remaining: int) -> None:
        self._base, self._own, self._others = remaining, self._in_flight, 0
