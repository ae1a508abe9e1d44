"""Calls that may hang in the kernel (open, read, statfs on a device or a dead mount), each in a thread of its own.

A thread that hangs cannot be ended. It costs one of a limited number of places, and its volume stays locked until it
is gone; the event loop and all other volumes go on. The threads are daemons: they do not keep the process alive.
"""

import _thread
import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from common import errors
from node.host import volume_locks

SECONDS = 20.0  # for the kernel to open a device, to read a little of it, to tell its mounts

Result = TypeVar("Result")


class Threads:
    """At most ``limit`` blocking calls at once."""

    def __init__(self, limit: int) -> None:
        self._places = asyncio.Semaphore(limit)
        self.hung = 0  # calls that were given up, and have not ended yet

    async def call(self, work: Callable[[], Result], seconds: float, what: str) -> Result:
        """Run ``work`` and return its result, or raise its error. ``what`` names it in messages.

        Raises OutcomeUnknown if it does not end within ``seconds``, Unavailable if no place becomes free in that time.
        """
        try:
            await asyncio.wait_for(self._places.acquire(), seconds)
        except TimeoutError as error:
            raise errors.Unavailable(f"{what}: too many calls to the kernel hang ({self.hung})") from error
        ended = self._start(work)
        try:
            return await asyncio.wait_for(asyncio.shield(ended), seconds)
        except TimeoutError as error:
            if ended.done():  # the work's own TimeoutError (ETIMEDOUT)
                raise
            self._give_up(ended)
            raise errors.OutcomeUnknown(f"{what} did not answer within {seconds:g} s") from error
        except asyncio.CancelledError:
            self._give_up(ended)
            raise

    def _start(self, work: Callable[[], Result]) -> asyncio.Future[Result]:
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[Result] = loop.create_future()

        def run() -> None:
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001  # whatever it is belongs to the caller
                deliver(partial(ended.set_exception, error))
            else:
                deliver(partial(ended.set_result, result))

        def deliver(answer: partial[None]) -> None:
            with suppress(RuntimeError):  # the loop is closed: the process ends
                loop.call_soon_threadsafe(answer)

        ended.add_done_callback(lambda _: self._places.release())
        try:
            _thread.start_new_thread(run, ())  # Thread.start would wait, and block, until the thread has run
        except RuntimeError as error:  # the host allows no more
            ended.set_exception(errors.Unavailable(f"cannot start a thread: {error}"))
        return ended

    def _give_up(self, ended: asyncio.Future[Result]) -> None:
        self.hung += 1
        ended.add_done_callback(self._came_back)
        volume_locks.leave_behind(ended)

    def _came_back(self, ended: asyncio.Future[Result]) -> None:
        self.hung -= 1
        if not ended.cancelled():
            ended.exception()  # retrieved: nobody else will
