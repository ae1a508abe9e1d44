"""What the controller asks of a cloud: the protocol. ``records`` has what is passed, ``cloud_errors`` what is refused.

A second cloud implements this protocol in a module of its own.
"""

from collections.abc import Sequence
from typing import Protocol

from common import errors
from controller.cloud.records import (
    Account,
    Changes,
    Page,
    Pending,
    Place,
    Progress,
    Server,
    Snapshot,
    Volume,
    VolumeOrder,
)
from controller.cloud.traits import Traits


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

    What only looks refuses nothing for good but with Gone: a look that is refused raises LookRefused.

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
