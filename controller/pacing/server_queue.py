"""One action at a time on a server: who wants to act on one waits for the turn, inside the caller's deadline.

The cloud refuses a second event on a server. Who has the turn starts the next one when the last has ended, or can have
ended. First come, first served, detach before attach: what frees a node goes first.
Source: DigitalOcean API, "pending event".
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from common import deadlines, errors
from controller.codes import Code


class Line:
    """Who waits for one server."""

    def __init__(self) -> None:
        self.taken = False
        self.urgent: deque[asyncio.Future[None]] = deque()
        self.others: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        return len(self.urgent) + len(self.others)

    def leave(self, turn: asyncio.Future[None]) -> None:
        """Take a waiter out of the line."""
        for waiting in (self.urgent, self.others):
            if turn in waiting:
                waiting.remove(turn)

    def call_next(self) -> None:
        """Give the turn to the next in line."""
        while waiting := self.urgent or self.others:
            turn = waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.taken = False


class Overtaken(Exception):
    """A call that frees the server has come into the line meanwhile, and goes first."""


class Turn:
    """The right to be the next that acts on the server."""

    def __init__(self, line: Line, *, urgent: bool) -> None:
        self._line = line
        self._urgent = urgent

    def __len__(self) -> int:
        """Return how many wait behind."""
        return len(self._line)

    def check(self) -> None:
        """Raise Overtaken if another goes first."""
        if self._line.urgent and not self._urgent:
            raise Overtaken


FREE = Turn(Line(), urgent=True)  # of what happens on no server


class ServerQueue:
    """The lines of all servers for which a call waits."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}

    def __len__(self) -> int:
        """Return how many servers have a line."""
        return len(self._lines)

    @asynccontextmanager
    async def turn(self, server_id: str, *, urgent: bool, back: bool = False) -> AsyncIterator[Turn]:
        """Hold the turn. Raises DeadlineExceeded if it does not come in time.

        ``back``: whoever was overtaken comes back, to its old place.
        """
        line = self._lines.setdefault(server_id, Line())
        try:
            await self._wait(line, server_id, urgent=urgent, back=back)
            try:
                yield Turn(line, urgent=urgent)
            finally:
                line.call_next()
        finally:
            if not line.taken and self._lines.get(server_id) is line:
                del self._lines[server_id]

    async def _wait(self, line: Line, server_id: str, *, urgent: bool, back: bool) -> None:
        if not line.taken:
            line.taken = True
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        ahead = len(line) + 1
        waiting = line.urgent if urgent else line.others
        (waiting.appendleft if back else waiting.append)(turn)
        try:
            async with asyncio.timeout_at(deadlines.current()):
                with deadlines.waiting(
                    f"node {server_id} takes one action at a time, and {ahead} came before this one"
                ):
                    await turn
        except BaseException as error:
            line.leave(turn)
            if turn.done() and not turn.cancelled():  # the turn came at the very moment in which we leave
                line.call_next()
            if isinstance(error, TimeoutError):
                raise errors.DeadlineExceeded(
                    f"node {server_id} takes one action at a time, and {ahead} came before this one",
                    error_code=Code.SERVER_BUSY,
                ) from None
            raise
