"""Places for programs that take memory: a few run side by side, and no one waits long for a place.

How long a program works on a disk is decided by what is on the disk, which a tenant may have written. So a place that
is kept longer than it should be delays others for ``PATIENCE_SECONDS`` at the most: then they go without one.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from common import deadlines

PATIENCE_SECONDS = 8.0


class Slots:
    """A number of places; ``hold_seconds`` is how long one is kept at the most, though the program goes on."""

    def __init__(self, places: int, hold_seconds: float | None = None) -> None:
        self._places = asyncio.Semaphore(places)
        self._hold_seconds = hold_seconds

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place, but not for long."""
        got = False
        with suppress(TimeoutError), deadlines.during("others have the places of programs that take memory"):
            got = await asyncio.wait_for(self._places.acquire(), PATIENCE_SECONDS)
        kept = _Kept(self._places) if got else None
        timer = None
        if kept is not None and self._hold_seconds is not None:
            timer = asyncio.get_running_loop().call_later(self._hold_seconds, kept.release)
        try:
            yield
        finally:
            if timer is not None:
                timer.cancel()
            if kept is not None:
                kept.release()


class _Kept:
    """A place that is given back once."""

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places: asyncio.Semaphore | None = places

    def release(self) -> None:
        if self._places is not None:
            self._places.release()
            self._places = None
