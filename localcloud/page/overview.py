"""What the page shows, as one JSON object that is sent at each change.

Long lists are cut to their newest entries; the totals say how many there are.
"""

from pydantic import BaseModel

from localcloud.cloud import Cloud
from localcloud.faults.faults import Fault
from localcloud.rates import Rates
from localcloud.snapshots import Snapshotting
from localcloud.state.actions import Action
from localcloud.state.paging import Slice
from localcloud.state.snapshots import Snapshot
from localcloud.state.volumes import Volume

SHOWN = Slice(1, 50)


class DropletView(BaseModel, frozen=True):
    """A droplet, and the names of its volumes."""

    id: int
    name: str
    region: str
    status: str
    volumes: tuple[str, ...]


class VolumeView(BaseModel, frozen=True):
    """A volume, and the name of the droplet that has it."""

    id: str
    name: str
    region: str
    size_gib: int
    droplet: str | None
    tags: tuple[str, ...]


class ActionView(BaseModel, frozen=True):
    """An action under way; ``left_seconds`` is None when it never ends."""

    id: int
    type: str
    volume: str
    droplet_id: int | None
    left_seconds: float | None


class SnapshotView(BaseModel, frozen=True):
    """A snapshot; one that is still being copied is not ``ready``."""

    id: str
    name: str
    volume_id: str
    size_gib: int
    ready: bool


class BudgetView(BaseModel, frozen=True):
    """What is left of a rate limit; ``limit`` 0 means none."""

    limit: int
    remaining: int


class FaultView(BaseModel, frozen=True):
    """A fault that is on."""

    id: int
    kind: str
    when: str
    strikes: int


class Overview(BaseModel, frozen=True):
    """Everything that the page shows."""

    droplets: tuple[DropletView, ...]
    volumes: tuple[VolumeView, ...]
    volumes_total: int
    actions: tuple[ActionView, ...]
    snapshots: tuple[SnapshotView, ...]
    snapshots_total: int
    faults: tuple[FaultView, ...]
    requests_last_minute: int
    hour: BudgetView
    minute: BudgetView


class Views:
    """Makes overviews of one cloud."""

    def __init__(self, cloud: Cloud, rates: Rates, snapshotting: Snapshotting) -> None:
        self._cloud = cloud
        self._rates = rates
        self._snapshotting = snapshotting

    def overview(self) -> Overview:
        """Return what the page shows now."""
        cloud, settings = self._cloud, self._cloud.settings
        volumes = cloud.volumes.page(SHOWN, newest_first=True)
        snapshots = cloud.snapshots.page(SHOWN)
        copying = tuple(_snapshot(each, ready=False) for each in self._snapshotting.under_way)
        return Overview(
            droplets=self._droplets(),
            volumes=tuple(self._volume(volume) for volume in volumes.items),
            volumes_total=volumes.total,
            actions=tuple(self._action(action) for action in cloud.actions.under_way()),
            snapshots=copying + tuple(_snapshot(each, ready=True) for each in snapshots.items),
            snapshots_total=snapshots.total,
            faults=tuple(_fault(fault) for fault in cloud.faults.all()),
            requests_last_minute=self._rates.last_minute(),
            hour=BudgetView(limit=settings.rate_hour, remaining=self._rates.budget().remaining),
            minute=BudgetView(limit=settings.rate_minute, remaining=self._rates.minute_budget().remaining),
        )

    def _droplets(self) -> tuple[DropletView, ...]:
        cloud = self._cloud
        return tuple(
            DropletView(
                id=droplet.id,
                name=droplet.name,
                region=droplet.region,
                status=droplet.status,
                volumes=tuple(volume.name for volume in cloud.volumes.of_droplet(droplet.id)),
            )
            for droplet in cloud.droplets.all()
        )

    def _volume(self, volume: Volume) -> VolumeView:
        droplet = None if volume.droplet_id is None else self._cloud.droplets.get(volume.droplet_id)
        return VolumeView(
            id=volume.id,
            name=volume.name,
            region=volume.region,
            size_gib=volume.size_gib,
            droplet=None if droplet is None else droplet.name,
            tags=volume.tags,
        )

    def _action(self, action: Action) -> ActionView:
        volume = self._cloud.volumes.get(action.volume_id or "")
        left = None if action.ends_at is None else max(0.0, action.ends_at - self._cloud.clock.now())
        return ActionView(
            id=action.id,
            type=action.kind.removesuffix("_volume"),
            volume=volume.name if volume else "",
            droplet_id=action.droplet_id,
            left_seconds=None if left is None else round(left, 1),
        )


def _snapshot(snapshot: Snapshot, *, ready: bool) -> SnapshotView:
    return SnapshotView(
        id=snapshot.id, name=snapshot.name, volume_id=snapshot.volume_id, size_gib=snapshot.size_gib, ready=ready
    )


def _fault(fault: Fault) -> FaultView:
    rule = fault.rule
    when = f"number {', '.join(map(str, rule.nth))}" if rule.nth else f"{rule.probability:.0%}"
    where = " ".join(part for part in (rule.where.method, rule.where.path, rule.where.action) if part)
    return FaultView(id=fault.id, kind=rule.kind, when=f"{when} of {where}", strikes=fault.strikes)
