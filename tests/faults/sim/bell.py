"""Waiting for something to become true: whoever changes something rings, and every waiter looks again."""

import asyncio
from collections.abc import Callable
from contextlib import suppress


class Bell:
    """Waiters, in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[None], Callable[[], bool]] = {}

    def ring(self) -> None:
        """Wake those whose condition is true now."""
        for waiter, condition in list(self._waiting.items()):
            if not waiter.done() and condition():
                waiter.set_result(None)

    async def until(self, condition: Callable[[], bool], seconds: float | None = None) -> bool:
        """Wait until ``condition`` is true, or ``seconds`` have passed; return whether it is true."""
        if condition():
            return True
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[waiter] = condition
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await waiter
        finally:
            self._waiting.pop(waiter, None)
        return condition()
