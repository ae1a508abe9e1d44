"""The cloud's time: the wall clock for what is written down, and durations that may be compressed.

With a scale of 60 an action of one minute takes one second and the hourly window of the rate limit one minute, while
time stamps stay those of the machine, so that clients that compare them with their own clock are not misled.
"""

import asyncio
import time
from datetime import UTC, datetime


class Clock:
    """Wall time, and waits that are ``scale`` times shorter than they are said to be."""

    def __init__(self, scale: float = 1.0) -> None:
        self._scale = scale

    def now(self) -> float:
        """Return the wall time in seconds since 1970."""
        return time.time()

    def real_seconds(self, cloud_seconds: float) -> float:
        """Return how many seconds of wall time a duration of the cloud takes."""
        return cloud_seconds / self._scale

    async def sleep_until(self, moment: float) -> None:
        """Wait until the wall clock shows ``moment`` (seconds since 1970)."""
        await asyncio.sleep(max(0.0, moment - self.now()))  # noqa: TID251 (the wait itself is what is simulated)


def stamp(moment: float) -> str:
    """Write a moment as the API does: RFC 3339, UTC, whole seconds."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
