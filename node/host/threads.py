"""Calls that may hang in the kernel (open, read, statfs on a device or a dead mount), each in a thread of its own.

A thread that hangs cannot be ended. It costs one of a limited number of places, and its volume stays locked until it
is gone; the event loop and all other volumes go on. The threads are daemons: they do not keep the process alive.
"""

import _thread  # noqa: TID251  # the one place that starts a thread
import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TypeVar

from common import deadlines, errors
from node.codes import Code
from node.host import volume_locks

SECONDS = 20.0  # for the kernel to open a device, to read a little of it, to tell its mounts

Result = TypeVar("Result")


class Threads:
    """At most ``limit`` blocking calls at once."""

    def __init__(self, limit: int) -> None:
        self._places = asyncio.Semaphore(limit)
        self._under_way: dict[str, asyncio.Future[None]] = {}  # those that take turns
        self._closed: dict[str, asyncio.Future[None]] = {}  # none may be under way now
        self._given_up: set[object] = set()  # and have not ended yet

    @property
    def hung(self) -> int:
        """Return how many calls were given up, and have not ended yet."""
        return len(self._given_up)

    async def call(self, work: Callable[[], Result], seconds: float, what: str) -> Result:
        """Run ``work`` and return its result, or raise its error. ``what`` names it in messages.

        Raises OutcomeUnknown if it does not end within ``seconds``, Unavailable if no place becomes free in that time.
        """
        await self._take_place(seconds, what)
        return await self._wait(*self._start(work), seconds, what)

    async def in_turn(self, key: str, work: Callable[[], Result], seconds: float, what: str) -> Result:
        """Like ``call``, but one at a time for ``key``: where one call hangs, a second thread would only hang, too."""
        while True:
            await self._wait_for_turn(key, seconds, what)
            await self._take_place(seconds, what)
            if key not in self._under_way and key not in self._closed:
                break
            self._places.release()
        answer, ended = self._start(work)
        self._under_way[key] = ended
        ended.add_done_callback(lambda _: self._under_way.pop(key))
        return await self._wait(answer, ended, seconds, what)

    @asynccontextmanager
    async def kept_out(self, keys: tuple[str, ...], seconds: float) -> AsyncIterator[None]:
        """Let no call take its turn for one of ``keys`` meanwhile: what it has open would keep a mount busy.

        Up to ``seconds`` are spent on those under way; one that hangs is not waited for.
        """
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._closed |= dict.fromkeys(keys, over)
        try:
            before = (self._under_way[key] for key in keys if key in self._under_way)
            if ending := [call for call in before if call not in self._given_up]:
                await asyncio.wait(ending, timeout=seconds)
            yield
        finally:
            for key in keys:
                self._closed.pop(key, None)
            over.set_result(None)

    async def _wait_for_turn(self, key: str, seconds: float, what: str) -> None:
        while (closed := self._closed.get(key)) is not None:
            if not (await asyncio.wait((closed,), timeout=seconds))[0]:
                raise errors.Busy(f"{what} is being unmounted", error_code=Code.UNMOUNTING)
        while (before := self._under_way.get(key)) is not None:
            given_up = before in self._given_up
            if given_up or not (await asyncio.wait((before,), timeout=seconds))[0]:
                raise errors.OutcomeUnknown(
                    f"{what} did not answer within {seconds:g} s, nor has it since", error_code=Code.KERNEL_HUNG
                )

    async def _take_place(self, seconds: float, what: str) -> None:
        if not self._places.locked():
            await self._places.acquire()  # at once: wait_for would take two turns of the loop
            return
        try:
            await asyncio.wait_for(self._places.acquire(), seconds)
        except TimeoutError as error:
            raise errors.Unavailable(
                f"{what}: too many calls to the kernel hang ({self.hung})", error_code=Code.KERNEL_HUNG
            ) from error

    async def _wait(
        self, answer: asyncio.Future[Result], ended: asyncio.Future[None], seconds: float, what: str
    ) -> Result:
        timer = asyncio.timeout(seconds)
        try:
            with deadlines.during(f"{what} has not answered yet"):
                async with timer:
                    return await answer
        except TimeoutError as error:
            if not timer.expired():  # the work's own TimeoutError (ETIMEDOUT)
                raise
            self._give_up(ended)
            raise errors.OutcomeUnknown(
                f"{what} did not answer within {seconds:g} s", error_code=Code.KERNEL_HUNG
            ) from error
        except asyncio.CancelledError:
            self._give_up(ended)
            raise

    def _start(self, work: Callable[[], Result]) -> tuple[asyncio.Future[Result], asyncio.Future[None]]:
        """Return the answer, which is its caller's and may be cancelled, and the end, which comes all the same."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Result] = loop.create_future()
        ended: asyncio.Future[None] = loop.create_future()

        def run() -> None:
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001  # whatever it is belongs to the caller
                deliver(partial(answer.set_exception, error))
            else:
                deliver(partial(answer.set_result, result))

        def deliver(tell: partial[None]) -> None:
            with suppress(RuntimeError):  # the loop is closed: the process ends
                loop.call_soon_threadsafe(end, tell)

        def end(tell: partial[None]) -> None:
            if not answer.done():
                tell()
            self._places.release()
            ended.set_result(None)

        try:
            _thread.start_new_thread(run, ())  # Thread.start would wait, and block, until the thread has run
        except RuntimeError as error:
            end(partial(answer.set_exception, _no_more(error)))
        return answer, ended

    def _give_up(self, ended: asyncio.Future[None]) -> None:
        if not ended.done():
            self._given_up.add(ended)
            ended.add_done_callback(self._given_up.discard)
            volume_locks.leave_behind(ended)


def _no_more(error: RuntimeError) -> errors.Unavailable:
    """The host allows no more threads."""
    return errors.Unavailable(
        f"cannot start a thread: {error}",
        remedy="raise the pod's limit of processes (pids) or of memory",
        error_code=Code.THREADS,
    )
