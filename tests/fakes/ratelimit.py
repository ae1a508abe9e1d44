"""The API's rate limit in virtual time: two sliding windows and the headers. Source: DigitalOcean API "Rate Limit"."""

import asyncio
from collections import deque


class RateLimit:
    """Counts requests that arrive."""

    def __init__(self, per_minute: int, per_hour: int) -> None:
        self._limits = {60.0: per_minute, 3600.0: per_hour}
        self._times: dict[float, deque[float]] = {span: deque() for span in self._limits}

    def arrive(self) -> tuple[int, dict[str, str]]:
        """A request comes: return its status and headers."""
        now = asyncio.get_running_loop().time()
        for span, times in self._times.items():
            while times and times[0] <= now - span:
                times.popleft()
        full = [span for span, times in self._times.items() if len(times) >= self._limits[span]]
        headers = self._headers(now)
        if full:
            wait = {"retry-after": f"{self._times[60.0][0] + 60 - now:.0f}"} if full == [60.0] else {}
            return 429, {**headers, **wait}
        for times in self._times.values():
            times.append(now)
        return 200, self._headers(now)

    def _headers(self, now: float) -> dict[str, str]:
        hour = self._times[3600.0]
        reset = (hour[0] if hour else now) + 3600
        return {
            "ratelimit-limit": str(self._limits[3600.0]),
            "ratelimit-remaining": str(self._limits[3600.0] - len(hour)),
            "ratelimit-reset": str(int(reset) + 1),
        }
