"""What the controller asks of a cloud: the protocol and its records. What is no success is in ``cloud_errors``.

A second cloud implements this protocol in a module of its own. Sizes are bytes, times are seconds since 1970.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Generic, Protocol, TypeVar

from common import errors
from controller.cloud.traits import Traits
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


class SnapshotCloud(Protocol):
    """What a cloud with snapshots can do beside. See Cloud for errors, deadlines and pages."""

    async def create_snapshot(self, volume_id: str, name: str, labels: Sequence[str]) -> Snapshot:
        """Make a snapshot. Raises Gone, NameTaken, SnapshotLimit."""
        ...

    async def delete_snapshot(self, snapshot_id: str) -> None:
        """Delete a snapshot. Raises Gone."""
        ...

    async def get_snapshot(self, snapshot_id: str) -> Snapshot:
        """Return the snapshot of a volume. Raises Gone."""
        ...

    async def volume_snapshots(self, volume_id: str) -> tuple[Snapshot, ...]:
        """Return all snapshots of one volume (the cloud keeps a few dozen at most). Raises Gone."""
        ...

    async def list_snapshots(self, page: int) -> Page[Snapshot]:
        """Return a page of the account's snapshots of volumes."""
        ...


class Cloud(Protocol):
    """A cloud's block storage. Each method raises errors.Refused or errors.NotFinal, nothing else.

    The deadline of the call that is served (``common.deadlines``) bounds every method. A change that was sent and got
    no answer raises errors.OutcomeUnknown: it may have been done. A change that is not done at once returns a Pending;
    no method waits for its end. Pages count from 1.
    """

    traits: Traits
    page_size: int

    @property
    def snapshots(self) -> SnapshotCloud | None:
        """What does snapshots; None if this cloud has none."""
        ...

    async def create_volume(self, order: VolumeOrder) -> tuple[Volume, Pending | None]:
        """Start to make a volume. Raises NameTaken, AccountFull; Gone if the snapshot is."""
        ...

    async def delete_volume(self, volume_id: str) -> Pending | None:
        """Start to delete a volume. Raises Gone, InUse."""
        ...

    async def get_volume(self, volume_id: str) -> Volume:
        """Return the volume. Raises Gone."""
        ...

    async def find_volume(self, name: str, zone: str) -> Volume | None:
        """Return the volume of exactly that name that keeps another one in ``zone`` from having it."""
        ...

    async def list_volumes(self, zone: str | None, page: int) -> Page[Volume]:
        """Return a page of the zone's volumes, or of those of all zones."""
        ...

    async def attach(self, place: Place, labels: Sequence[str]) -> Pending | None:
        """Start to attach, adding ``labels`` to the volume. Raises Gone, AlreadyAttached, EventPending, ServerFull."""
        ...

    async def detach(self, place: Place) -> Pending | None:
        """Start to detach from that server alone. Raises Gone, NotAttached, EventPending."""
        ...

    async def resize(self, place: Place, size_gib: int) -> Pending | None:
        """Start to grow the volume. Raises Gone, EventPending."""
        ...

    async def progress(self, due: Sequence[Pending], others: Sequence[Pending] = ()) -> list[Progress]:
        """Return how far the ``due`` actions have come; of ``others`` too, if that costs no request more.

        An action of which nothing was learned is left out: it is asked for again.
        """
        ...

    async def recent(self, volume_id: str) -> tuple[Progress, ...]:
        """Return the volume's newest actions, newest first, as far as the cloud tells. Raises Gone."""
        ...

    async def blocking(self, place: Place) -> Pending | None:
        """Return the action that keeps the place from taking another, if the cloud tells it. Raises Gone."""
        ...

    async def changes(self, since: str) -> Changes | None:
        """Return what has changed of volumes and servers ``since``: the ``now`` of the answer before, at first empty.

        None: this cloud cannot tell.
        """
        ...

    async def get_server(self, server_id: str) -> Server:
        """Return the server. Raises Gone."""
        ...

    async def list_servers(self, page: int) -> Page[Server]:
        """Return a page of the account's servers."""
        ...

    async def account(self) -> Account:
        """Return what the account may have."""
        ...

    async def zone_has_volumes(self, zone: str) -> bool:
        """Say whether volumes can be made in that zone."""
        ...

    async def add_label(self, volume_id: str, label: str) -> None:
        """Put a label on a volume. Raises Gone."""
        ...

    async def remove_label(self, volume_id: str, label: str) -> None:
        """Take a label off a volume; one that is not there is no error."""
        ...


def snapshots_of(cloud: Cloud) -> SnapshotCloud:
    """Return what does the cloud's snapshots. Raises Unimplemented if it has none."""
    if cloud.snapshots is None:
        raise errors.Unimplemented("this cloud has no snapshots")
    return cloud.snapshots
