"""What is passed between the controller and a cloud: volumes, servers, snapshots, and actions with how far they are.

Sizes are bytes, times are seconds since 1970.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from controller.records import Source

Item = TypeVar("Item")


class Kind(Enum):
    """What an action does to a volume, or OTHER: something that concerns no volume."""

    CREATE = "create"
    DELETE = "delete"
    ATTACH = "attach"
    DETACH = "detach"
    RESIZE = "resize"
    OTHER = "other"


class ActionState(Enum):
    """How far an action has come; FORGOTTEN: the cloud knows nothing of it any more."""

    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    ERRORED = "errored"
    FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True)
class Pending:
    """The cloud's token for an action: something that it does or did.

    ``volume_id`` is empty and ``server_id`` None where the cloud does not tell them.
    """

    id: str
    kind: Kind
    volume_id: str = ""
    server_id: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an action has come, and in the cloud's own words what went wrong.

    ``started_at`` and ``ended_at`` are as precise as the cloud's time stamps; 0 where it does not tell them.
    """

    action: Pending
    state: ActionState
    started_at: float = 0.0
    ended_at: float = 0.0
    error: str = ""

    @property
    def ended(self) -> bool:
        """Whether the cloud is done with it, well or not."""
        return self.state is not ActionState.IN_PROGRESS

    @property
    def took(self) -> float | None:
        """How long it took by the cloud's own time stamps, seconds; None if it does not tell."""
        return self.ended_at - self.started_at if self.started_at and self.ended_at else None


@dataclass(frozen=True, slots=True)
class Changes:
    """What may have changed who holds volumes: the actions that have ended; ``missed``: there may be more.

    ``now`` is what to ask with the next time.
    """

    now: str
    ended: tuple[str, ...] = ()
    missed: bool = False


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume as the cloud tells it; not ``ready`` while it is being made.

    ``origin`` is what it was made of; None if the cloud does not tell, as of a volume that another client made.
    """

    id: str
    name: str
    zone: str
    size_bytes: int
    server_ids: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    origin: Source | None = None
    created_at: float = 0.0
    ready: bool = True


@dataclass(frozen=True, slots=True)
class VolumeOrder:
    """A volume to be made; of ``snapshot_id``, if that is not None."""

    name: str
    zone: str
    size_gib: int
    origin: Source
    labels: tuple[str, ...] = ()
    snapshot_id: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot of a volume. ``min_size_bytes`` is the size of a volume that is made of it."""

    id: str
    name: str
    volume_id: str
    min_size_bytes: int
    zones: tuple[str, ...]
    created_at: float
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Server:
    """A virtual machine that volumes are attached to; ``changing`` while an action may start or stop it."""

    id: str
    zone: str
    active: bool
    volume_ids: tuple[str, ...]
    changing: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """What the account may have. ``volume_limit`` 0: no limit."""

    volume_limit: int


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items of a list, how many the list has in all, and whether a further page follows.

    ``left_out``: how many items the page has beside those, which are odd or not asked for.
    """

    items: tuple[Item, ...] = ()
    total: int = 0
    more: bool = False
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where an action happens: a volume; for attach and detach the server, for resize the volume's zone."""

    volume_id: str
    server_id: str | None = None
    zone: str = ""
