"""What the lines of a call tell beside its outcome: which volume it concerns, the new volume's id, what was done.

The line of the call is written by ``rpc``, which knows no domain; so this travels beside the call, as its deadline
does.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from structlog.typing import EventDict

LONGEST = 2048  # characters of a field that a caller chooses

Names = Callable[[str], str]

_facts: ContextVar[dict[str, str | int]] = ContextVar("facts")
_subject: ContextVar[dict[str, str]] = ContextVar("subject")
_names: ContextVar[Names] = ContextVar("names", default=lambda _volume_id: "")


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


def know_names(names: Names) -> None:
    """Let ``names`` tell a volume's name by its id, empty if it is not known, to all that is started from now on."""
    _names.set(names)


def begin(subject: dict[str, str]) -> None:
    """Let ``subject``, which ``about`` fills, be in the lines of this task and of those it starts from now on."""
    _subject.set(subject)


def about(**subject: str) -> None:
    """Let every line of this call say what it is about: ``volume_id``, ``volume_name`` and the like."""
    told = _subject.get({})
    told |= {field: text[:LONGEST] for field, text in subject.items()}
    if name := _names.get()(subject.get("volume_id", "")):
        told["volume_name"] = name  # now: what a call takes away is not known at its end


def add_volume(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Let a line have id and name of the volume that it, or else its call, is about; for ``logs``."""
    subject = _subject.get({})
    volume_id = event.get("volume_id", subject.get("volume_id", ""))
    own = subject.get("volume_name", "") if volume_id == subject.get("volume_id", "") else ""
    name = own or (_names.get()(volume_id) if volume_id else "")
    told = {key: text for key, text in (("volume_id", volume_id), ("volume_name", name)) if text}
    return {**told, **event}
