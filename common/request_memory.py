"""How much memory the calls of one process may hold together, whatever their callers send.

At the limit the oldest request that is not whole gives way, so that a caller who sends its message at once is served.
"""

from typing import Protocol

WORK_BYTES = 32 << 20  # a thousand calls hold 21 MiB
HEALTH_BYTES = 2 << 20  # apart, because health never waits behind work


class Unfinished(Protocol):
    """A request whose message is not whole."""

    def give_way(self) -> None: ...  # noqa: D102  # gives back what it holds, and is answered RESOURCE_EXHAUSTED


class MemoryBudget:
    """A number of bytes, and who holds them without need."""

    def __init__(self, limit: int) -> None:
        self.left = limit  # bytes
        self._unfinished: dict[Unfinished, None] = {}  # the oldest first

    def begin(self, request: Unfinished) -> None:
        """Let ``request`` give way from now on."""
        self._unfinished[request] = None

    def finish(self, request: Unfinished) -> None:
        """Let ``request`` give way no longer. Harmless if it did not."""
        self._unfinished.pop(request, None)

    def take(self, size: int) -> bool:
        """Take ``size`` bytes; tell whether they could be had."""
        while self.left < size and self._unfinished:
            next(iter(self._unfinished)).give_way()
        if self.left < size:
            return False
        self.left -= size
        return True

    def give_back(self, size: int) -> None:
        """Return ``size`` bytes that were taken."""
        self.left += size
