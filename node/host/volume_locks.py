"""One call at a time for a volume, until everything is gone that the call has started.

A call runs as committed work: it goes on when its caller gives up. A program or thread that hangs in the kernel
outlives even the call; it is left behind here, and the volume's lock is held until it is gone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import ExitStack
from contextvars import ContextVar
from typing import TypeVar

from common import deadlines, errors
from common.locks import Locks
from common.tasks import Tasks

Result = TypeVar("Result")

_behind: ContextVar[list[asyncio.Future[object]]] = ContextVar("behind")


def leave_behind(gone: Awaitable[object]) -> None:
    """Tell that something of the present call still runs; ``gone`` is done when it has ended."""
    if isinstance(gone, asyncio.Future):
        _behind.get([]).append(gone)


class VolumeLocks:
    """Runs the calls of one process."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._locks = Locks()

    async def take(self, keys: tuple[str, ...], work: Callable[[], Coroutine[object, object, Result]]) -> Result:
        """Run ``work`` while all ``keys`` are held. Raises Busy if one is, DeadlineExceeded at the call's deadline.

        The work goes on past the deadline, and the next call finds what it did.
        """
        try:
            async with asyncio.timeout_at(deadlines.current()):
                return await self._tasks.finish(self._hold(keys, work))
        except TimeoutError as error:
            text = ": ".join([f"still at work on {keys[0]}", *deadlines.obstacle()])
            raise errors.DeadlineExceeded(text) from error

    async def _hold(self, keys: tuple[str, ...], work: Callable[[], Coroutine[object, object, Result]]) -> Result:
        with ExitStack() as held:
            held.enter_context(self._locks.hold(*keys))
            behind: list[asyncio.Future[object]] = []
            token = _behind.set(behind)
            try:
                return await work()
            finally:
                _behind.reset(token)
                if waiting := [gone for gone in behind if not gone.done()]:
                    deadlines.note("it has ended, but something that it began hangs in the kernel")
                    self._tasks.background(_release_later(held.pop_all(), waiting), f"hung: {keys[0]}")


async def _release_later(held: ExitStack, behind: list[asyncio.Future[object]]) -> None:
    with held:
        await asyncio.wait(behind)
