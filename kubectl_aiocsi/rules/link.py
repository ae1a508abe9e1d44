"""One link of the chain from a claim to a mount, and how a link is judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from kubectl_aiocsi.records import NOTHING, Object, first_seen, is_older, last_seen
from kubectl_aiocsi.rules.causes import cause_of, remedy_of

TOGETHER = timedelta(minutes=10)  # between two events of what lasts, at most (client-go's spam filter: 5)


class State(Enum):
    """How a link is."""

    OK = "ok"
    BROKEN = "broken"
    WAITING = "waiting"  # for a link before or behind it
    UNKNOWN = "unknown"  # it could not be read


@dataclass(frozen=True)
class Link:
    """One link: the object that it rests on, and in its owner's words why it does not hold."""

    name: str
    what: str  # the object, such as claim shop/orders
    state: State
    said: str = ""
    by: str = ""  # whose words they are
    since: datetime | None = None
    cause: str = ""  # the id of the check of `doctor`
    next: str = ""  # what to type or to do


def ok(name: str, what: str, said: str = "") -> Link:
    """A link that holds."""
    return Link(name, what, State.OK, said)


def waiting(name: str, what: str, said: str) -> Link:
    """A link that cannot hold yet, because of another one."""
    return Link(name, what, State.WAITING, said)


def unknown(name: str, what: str, said: str) -> Link:
    """A link that the caller may not read."""
    return Link(name, what, State.UNKNOWN, said)


def broken(name: str, what: str, said: str, by: tuple[str, datetime | None], otherwise: tuple[str, str]) -> Link:
    """A link that is broken in the words of ``by``, since then.

    ``otherwise`` are the id and what to do if the words do not tell the cause.
    """
    cause = cause_of(said, otherwise[0])
    return Link(name, what, State.BROKEN, said, *by, cause, remedy_of(cause) or otherwise[1])


def from_event(name: str, what: str, event: Object, otherwise: tuple[str, str]) -> Link:
    """A link that is broken in the words of an event."""
    owner = event.text("source", "component") or event.text("reportingComponent") or "Kubernetes"
    by = f"event {event.text('reason')} of {owner}"
    return broken(name, what, event.text("message"), (by, first_seen(event)), otherwise)


def telling(events: Sequence[Object]) -> Object:
    """Return the event that tells a cause, else the newest; an empty object if there is none. ``events``: newest first.

    Kubelet tells again of what lasts, every few minutes: what it has not told for long is over.
    """
    newest = last_seen(events[0]) if events else None
    fresh = [each for each in events if newest is None or not is_older(each, [newest - TOGETHER])]
    known = (each for each in fresh if cause_of(each.text("message"), ""))
    return next(known, events[0] if events else NOTHING)
