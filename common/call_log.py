"""What a servicer lets the log line of its call tell beside the outcome: the new volume's id, what was done.

The line is written by ``rpc``, which knows no domain; so the facts travel beside the call, as its deadline does.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_facts: ContextVar[dict[str, str | int]] = ContextVar("facts")


@contextmanager
def collecting() -> Iterator[Mapping[str, str | int]]:
    """Yield the facts that are told inside, also by tasks that are started there."""
    facts: dict[str, str | int] = {}
    token = _facts.set(facts)
    try:
        yield facts
    finally:
        _facts.reset(token)


def tell(**facts: str | int) -> None:
    """Let the line of this call have these fields if it ends well; a later value replaces an earlier one."""
    _facts.get({}).update(facts)
