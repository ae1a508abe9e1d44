"""What a check finds, and what a check is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum

from kubectl_aiocsi.records import Kind, Object, Snapshot


class Level(IntEnum):
    """How bad it is; the number is the exit status of ``doctor``."""

    OK = 0
    WARNING = 1
    CRITICAL = 2


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong; ``id`` is that of its check."""

    id: str
    what: str  # the object
    said: str
    next: str


@dataclass(frozen=True)
class Check:
    """One check: its stable id, how bad what it finds is, what it looks at, and the kinds that it must read."""

    id: str
    level: Level
    title: str
    needs: tuple[Kind, ...] = ()
    find: Callable[[Snapshot], Iterable[Finding]] = lambda _: ()


def describe(one: Object, plural: str) -> str:
    """Return the command that shows an object with its events."""
    inside = f" -n {one.namespace}" if one.namespace else ""
    return f"kubectl describe {plural}{inside} {one.name}"
