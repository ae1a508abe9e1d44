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


@contextmanager
def until(deadline: float) -> Iterator[None]:
    """Let ``deadline`` (loop time, seconds) hold for what runs inside."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def current() -> float:
    """Return the deadline of this call (loop time, seconds); a default from now on if the caller named none."""
    return _deadline.get(asyncio.get_running_loop().time() + UNBOUNDED_SECONDS)


def remaining() -> float:
    """Return how many seconds this call has left; never less than zero."""
    return max(0.0, current() - asyncio.get_running_loop().time())
