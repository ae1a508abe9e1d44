"""What happened lately, in one order: each request with what a fault did to it, and each effect on the state."""

import time
from collections import deque
from collections.abc import Callable

from pydantic import BaseModel

from localcloud.state.ledger import Effect, Ledger, Request

KEPT = 300  # entries
TRAFFIC_SECONDS = 60
REFUSED = 429


class RequestEntry(BaseModel, frozen=True):
    """A request. ``status`` 0: the connection was cut. ``why`` names the fault, or what the API refused."""

    seq: int
    at: float
    request_id: str
    status: int
    method: str
    path: str
    query: str
    seconds: float
    why: str


class EffectEntry(BaseModel, frozen=True):
    """A change of the state, and the request that asked for it; empty: no request did."""

    seq: int
    at: float
    request_id: str
    effect: str
    subject: str
    detail: dict[str, str | int | float | None]


class Timeline:
    """The newest entries of one run of the cloud, numbered by ``seq``."""

    def __init__(self, ledger: Ledger, tell: Callable[[], None]) -> None:
        """``tell`` is called after each request."""
        self._ledger = ledger
        self._tell = tell
        self._entries: deque[RequestEntry | EffectEntry] = deque(maxlen=KEPT)
        self._seq = 0
        self._last_effect = ledger.last_effect()
        self._seconds: deque[tuple[int, int, int]] = deque(maxlen=TRAFFIC_SECONDS)

    def request(self, request: Request, why: str) -> None:
        """Take note of an answered request, after the effects that it had."""
        self._read_effects()
        self._entries.append(RequestEntry(seq=self._next(), why=why, **vars(request)))
        self._count(refused=request.status == REFUSED)
        self._tell()

    def after(self, seq: int) -> tuple[RequestEntry | EffectEntry, ...]:
        """Return the entries after a ``seq``, oldest first."""
        self._read_effects()
        return tuple(entry for entry in self._entries if entry.seq > seq)

    def traffic(self) -> tuple[tuple[int, int], ...]:
        """Return how many requests were served and refused (429) in each of the last 60 seconds, oldest first."""
        by_second = {second: (served, refused) for second, served, refused in self._seconds}
        now = int(time.monotonic())
        return tuple(by_second.get(now - back, (0, 0)) for back in reversed(range(TRAFFIC_SECONDS)))

    def _count(self, *, refused: bool) -> None:
        now = int(time.monotonic())
        served_before, refused_before = 0, 0
        if self._seconds and self._seconds[-1][0] == now:
            _, served_before, refused_before = self._seconds.pop()
        self._seconds.append((now, served_before + (not refused), refused_before + refused))

    def _read_effects(self) -> None:
        newest = self._ledger.last_effect()
        if newest == self._last_effect:
            return
        if newest < self._last_effect:  # the ledger was cleared
            self._last_effect = 0
        for effect in self._ledger.effects(after=self._last_effect):
            self._last_effect = effect.seq
            self._entries.append(_entry(effect, self._next()))

    def _next(self) -> int:
        self._seq += 1
        return self._seq


def _entry(effect: Effect, seq: int) -> EffectEntry:
    return EffectEntry(
        seq=seq,
        at=effect.at,
        request_id=effect.request_id,
        effect=effect.kind,
        subject=effect.subject,
        detail=effect.detail,
    )
