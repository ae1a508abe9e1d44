"""An event loop on a virtual clock, whose every step is the same for the same seed, and whose processes can die.

Time goes on only when nothing is left to do: then the clock jumps to the next timer. Futures and tasks hash by their
number, so a set of them has the same order in every run (strings need PYTHONHASHSEED=0, which the command sees to).
A process is whatever runs in a context that names it. One that died takes no further step: no ``finally``, no
``except``, exactly as after SIGKILL.
"""

import asyncio
import contextvars
import heapq
import itertools
import selectors
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from typing import TypeVar

Result = TypeVar("Result")

_process: ContextVar["Process | None"] = ContextVar("process", default=None)


class Stuck(Exception):
    """Nothing is left to do, and the run has not ended: somebody waits for what never comes."""


def current() -> "Process | None":
    """Return the process that runs now; None outside of all."""
    return _process.get()


class Process:
    """What can die. ``steps`` counts what it has done: the code from one await to the next is one step."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dead = False
        self.steps = 0
        self.tasks: list[asyncio.Task[object]] = []
        self._dies_at = -1
        self._stopped = False
        self._mourners: list[Callable[[], None]] = []
        self._context = contextvars.copy_context()
        self._context.run(_process.set, self)

    def context(self) -> Context:
        """Return a context in which a task belongs to this process."""
        return self._context.copy()

    def start(self, work: Coroutine[object, object, Result]) -> asyncio.Task[Result]:
        """Run ``work`` in this process."""
        return asyncio.get_running_loop().create_task(work, context=self.context())

    def unfinished(self) -> list[str]:
        """Return what the tasks that have not ended were started as."""
        return [str(task.get_coro()) for task in self.tasks if not task.done()]

    def die_in(self, steps: int) -> None:
        """Die after so many further steps."""
        self._dies_at = self.steps + steps

    def stop(self) -> None:
        """Take no further step, and tell nobody."""
        self._stopped = True

    def die(self) -> None:
        """Die now; whoever waits for this process is told."""
        if self.dead:
            return
        self.dead = True
        for task in self.tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # it ends with the run, on purpose
        for tell in self._mourners:
            tell()

    def on_death(self, tell: Callable[[], None]) -> None:
        """Call ``tell`` when this process dies."""
        self._mourners.append(tell)

    def forget(self, tell: Callable[[], None]) -> None:
        """Do not call ``tell`` any more."""
        self._mourners.remove(tell)

    def runs(self) -> bool:
        """Whether it is neither dead nor stopped."""
        return not (self.dead or self._stopped)

    def stepped(self) -> None:
        """Take note of a step."""
        self.steps += 1
        if self.steps == self._dies_at:
            self.die()


class _Handle(asyncio.Handle):
    def _run(self) -> None:
        _step(self._context.get(_process), super()._run)  # type: ignore[attr-defined]


class _Timer(asyncio.TimerHandle):
    def _run(self) -> None:
        _step(self._context.get(_process), super()._run)  # type: ignore[attr-defined]


def _step(process: Process | None, run: Callable[[], None]) -> None:
    if process is None:
        run()
    elif process.runs():
        run()
        process.stepped()


class _Future(asyncio.Future[object]):
    numbers = itertools.count()

    def __init__(self, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._number = next(_Future.numbers)

    def __hash__(self) -> int:
        return self._number


class _Task(asyncio.Task[object]):
    def __init__(
        self,
        work: Coroutine[object, object, object],
        *,
        loop: asyncio.AbstractEventLoop,
        name: str | None = None,
        context: Context | None = None,
    ) -> None:
        self._number = next(_Future.numbers)
        super().__init__(work, loop=loop, name=name or f"task {self._number}", context=context)
        process = (contextvars.copy_context() if context is None else context).get(_process)
        if process is not None:
            process.tasks.append(self)

    def __hash__(self) -> int:
        return self._number


class _Clock(selectors.SelectSelector):
    """Selects nothing, and moves the clock instead of waiting."""

    now = 0.0

    def select(  # type: ignore[explicit-any]  # the key is asyncio's
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck
        self.now += max(0.0, timeout)
        return []


class Loop(asyncio.BaseEventLoop):
    """The loop of one run."""

    _scheduled: list[asyncio.TimerHandle]
    _ready: deque[asyncio.Handle]

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call,unused-ignore]
        self._selector = _Clock()
        self._clock_resolution = 1e-6
        _Future.numbers = itertools.count()

    def time(self) -> float:
        """Return virtual seconds since the run began."""
        return self._selector.now

    def create_future(self) -> asyncio.Future[object]:
        """Return a future that hashes by its number."""
        return _Future(loop=self)

    def create_task(  # type: ignore[override]  # a task of objects is one of anything
        self, coro: Coroutine[object, object, object], *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[object]:
        """Return a task that hashes by its number, and belongs to the process that its context names."""
        return _Task(coro, loop=self, name=name, context=context)

    def call_at(  # type: ignore[explicit-any]  # as asyncio has it
        self,
        when: float,
        callback: Callable[..., object],
        *args: object,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call at a virtual time, unless the process has died by then."""
        timer = _Timer(when, callback, args, self, context)
        timer._scheduled = True  # type: ignore[attr-defined]
        heapq.heappush(self._scheduled, timer)
        return timer

    def _call_soon(  # type: ignore[explicit-any]  # as asyncio has it
        self,
        callback: Callable[..., object],
        args: tuple[object, ...],
        context: Context | None,
    ) -> asyncio.Handle:
        handle = _Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def _process_events(self, event_list: list[object]) -> None:
        """There are no events but timers."""

    def _write_to_self(self) -> None:
        """Nobody else is there to wake this loop."""


async def sleep(seconds: float) -> None:
    """Let virtual time pass."""
    await asyncio.sleep(seconds)  # noqa: TID251  # the clock is ours: it costs nothing and ends when it should
