"""Work past its commit point, which finishes though its caller is gone; and the one place that starts a task.

A gRPC deadline often cancels twice (the server's timer, then the client's reset), so awaiting the work in an
``except CancelledError`` loses it. The work runs in a task of its own instead, is only ever awaited through a shield,
and holds its own locks. The drain waits for it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar, copy_context
from typing import TypeVar

import structlog

from common import call_log, errors

Result = TypeVar("Result")

log = structlog.get_logger()


class _Caller:
    """Whoever waits for committed work."""

    gone = False


_caller: ContextVar[_Caller] = ContextVar("caller")


def is_abandoned() -> bool:
    """Tell whether this is committed work whose caller was cancelled: another process may do it meanwhile."""
    caller = _caller.get(None)
    return caller is not None and caller.gone


class Tasks:
    """The tasks of one process: committed work, which is finished, and background loops, which are cancelled."""

    def __init__(self) -> None:
        self._committed: set[asyncio.Task[object]] = set()
        self._background: set[asyncio.Task[object]] = set()
        self._alarm: Callable[[], None] | None = None
        self.failure: BaseException | None = None  # what ended a vital task

    def watch(self, alarm: Callable[[], None]) -> None:
        """Call ``alarm`` when vital work ends with an error."""
        self._alarm = alarm
        if self.failure is not None:
            alarm()

    async def finish(self, work: Coroutine[object, object, Result]) -> Result:
        """Run ``work`` to its end even if the caller is cancelled; return its result, or raise its error.

        What of it has not begun when the caller goes may ask ``is_abandoned``, and not begin.
        """
        caller = _Caller()
        token = _caller.set(caller)
        try:
            task = asyncio.create_task(work)
        finally:
            _caller.reset(token)
        self._committed.add(task)
        task.add_done_callback(self._forget_committed)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            caller.gone = True
            raise

    def background(self, work: Coroutine[object, object, object], name: str) -> asyncio.Task[object]:
        """Start work that lives until ``close`` at the longest. If it ends with an error, the error is logged.

        Its lines in the log are of no call, though one may have started it.
        """
        context = copy_context()
        context.run(structlog.contextvars.clear_contextvars)
        context.run(call_log.begin, {})
        task = asyncio.create_task(work, name=name, context=context)
        self._background.add(task)
        task.add_done_callback(self._forget_background)
        return task

    def vital(self, work: Coroutine[object, object, object], name: str) -> asyncio.Task[object]:
        """Start background work without which the process is of no use: its error ends the process (see ``watch``)."""
        task = self.background(work, name)
        task.add_done_callback(self._raise_alarm)
        return task

    async def settle(self, grace_seconds: float) -> int:
        """Wait up to ``grace_seconds`` for committed work; return how many tasks are still under way."""
        end = asyncio.get_running_loop().time() + grace_seconds
        while self._committed and (left := end - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(self._committed, timeout=left)  # what ends may have begun more
        return sum(not task.done() for task in self._committed)

    async def close(self) -> None:
        """Cancel the background loops and wait until they are gone."""
        loops = list(self._background)
        for task in loops:
            task.cancel()
        await asyncio.gather(*loops, return_exceptions=True)

    def _forget_committed(self, task: asyncio.Task[object]) -> None:
        self._committed.discard(task)
        _log_failure(task)

    def _forget_background(self, task: asyncio.Task[object]) -> None:
        self._background.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        log.error("background_failed", task=task.get_name(), **errors.fields(error), exc_info=error)

    def _raise_alarm(self, task: asyncio.Task[object]) -> None:
        if task.cancelled() or (error := task.exception()) is None:
            return
        self.failure = self.failure or error
        if self._alarm is not None:
            self._alarm()


def _log_failure(task: asyncio.Task[object]) -> None:
    """Retrieve the task's error, which no one else may ever do, and keep a trace of it."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.debug("task_failed", task=task.get_name(), **errors.fields(error))
