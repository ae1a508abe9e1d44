"""The deadline of the call that is being served: set by ``rpc``, read by whatever waits.

A servicer method gets the message alone, so the deadline travels beside it, in a context variable that every task
started for the call inherits. Deadlines are loop time, in seconds.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

UNBOUNDED_SECONDS = 120.0  # for a caller that names no deadline: the longest default time-out of the sidecars, doubled

_deadline: ContextVar[float] = ContextVar("deadline")
_obstacle: ContextVar[list[str]] = ContextVar("obstacle")


@contextmanager
def until(deadline: float) -> Iterator[list[str]]:
    """Let ``deadline`` (loop time, seconds) hold for what runs inside. Yields what stands in its way, as ``note`` says.

    That is a list of one text at the most, which stays as it is when the time has run out.
    """
    found: list[str] = []
    token, other = _deadline.set(deadline), _obstacle.set(found)
    try:
        yield found
    finally:
        _deadline.reset(token)
        _obstacle.reset(other)


def current() -> float:
    """Return the deadline of this call (loop time, seconds); a default from now on if the caller named none."""
    return _deadline.get(asyncio.get_running_loop().time() + UNBOUNDED_SECONDS)


def remaining() -> float:
    """Return how many seconds this call has left; never less than zero."""
    return max(0.0, current() - asyncio.get_running_loop().time())


def obstacle() -> list[str]:
    """Return what stands in the way of this call, now and later: a list of one text at the most; ``note`` fills it."""
    return _obstacle.get([])


def note(text: str) -> None:
    """Say what stands in the way of this call now, which its error names if its time runs out; nothing: it passed."""
    obstacle()[:] = [text] if text else []


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Note what is waited for inside, until it is over; if it ends with an error, that stays what stood in the way."""
    note(text)
    yield
    note("")


@contextmanager
def during(text: str) -> Iterator[None]:
    """Note what is going on inside, which may take its time, until it is over in any way."""
    note(text)
    try:
        yield
    finally:
        if obstacle() == [text]:  # and not what goes on beside it
            note("")
