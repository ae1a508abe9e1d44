"""What the page shows, as one JSON object that is sent at each change.

Long lists are cut to their newest entries; the totals say how many there are.
"""

from pydantic import BaseModel

from localcloud.cloud import Cloud
from localcloud.disks.base import Trouble
from localcloud.faults.faults import Fault
from localcloud.faults.rules import Rule
from localcloud.page.timeline import EffectEntry, RequestEntry, Timeline
from localcloud.rates import Rates
from localcloud.snapshots import Snapshotting
from localcloud.state.actions import Action
from localcloud.state.droplets import Droplet
from localcloud.state.paging import Slice
from localcloud.state.snapshots import Snapshot
from localcloud.state.volumes import Volume

SHOWN = Slice(1, 200)


class DropletView(BaseModel, frozen=True):
    """A droplet; ``most_volumes`` is how many it can have."""

    id: int
    name: str
    region: str
    status: str
    most_volumes: int


class VolumeView(BaseModel, frozen=True):
    """A volume; ``trouble`` is what its disk was told to do wrong."""

    id: str
    name: str
    region: str
    size_gib: int
    droplet_id: int | None
    tags: tuple[str, ...]
    trouble: Trouble


class ActionView(BaseModel, frozen=True):
    """An action under way; ``left_seconds`` is None when it never ends."""

    id: int
    type: str
    volume_id: str | None
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
    """A fault that is on; one that is ``spent`` strikes no more."""

    id: int
    rule: Rule
    when: str
    strikes: int
    spent: bool


class Overview(BaseModel, frozen=True):
    """Everything that the page shows; of the timeline, what is new."""

    droplets: tuple[DropletView, ...]
    volumes: tuple[VolumeView, ...]
    volumes_total: int
    actions: tuple[ActionView, ...]
    snapshots: tuple[SnapshotView, ...]
    snapshots_total: int
    faults: tuple[FaultView, ...]
    traffic: tuple[tuple[int, int], ...]
    hour: BudgetView
    minute: BudgetView
    timeline: tuple[RequestEntry | EffectEntry, ...]


class Views:
    """Makes overviews of one cloud."""

    def __init__(self, cloud: Cloud, rates: Rates, snapshotting: Snapshotting, timeline: Timeline) -> None:
        self._cloud = cloud
        self._rates = rates
        self._snapshotting = snapshotting
        self._timeline = timeline

    def overview(self, after: int = 0) -> Overview:
        """Return what the page shows now, with the entries of the timeline after a ``seq``."""
        cloud, settings = self._cloud, self._cloud.settings
        volumes = cloud.volumes.page(SHOWN, newest_first=True)
        snapshots = cloud.snapshots.page(SHOWN)
        copying = tuple(_snapshot(each, ready=False) for each in self._snapshotting.under_way)
        return Overview(
            droplets=tuple(self._droplet(droplet) for droplet in cloud.droplets.all()),
            volumes=tuple(self._volume(volume) for volume in volumes.items),
            volumes_total=volumes.total,
            actions=tuple(self._action(action) for action in cloud.actions.under_way()),
            snapshots=copying + tuple(_snapshot(each, ready=True) for each in snapshots.items),
            snapshots_total=snapshots.total,
            faults=tuple(_fault(fault) for fault in cloud.faults.all()),
            traffic=self._timeline.traffic(),
            hour=BudgetView(limit=settings.rate_hour, remaining=self._rates.budget().remaining),
            minute=BudgetView(limit=settings.rate_minute, remaining=self._rates.minute_budget().remaining),
            timeline=self._timeline.after(after),
        )

    def _droplet(self, droplet: Droplet) -> DropletView:
        return DropletView(
            id=droplet.id,
            name=droplet.name,
            region=droplet.region,
            status=droplet.status,
            most_volumes=self._cloud.settings.droplet_volumes,
        )

    def _volume(self, volume: Volume) -> VolumeView:
        return VolumeView(
            id=volume.id,
            name=volume.name,
            region=volume.region,
            size_gib=volume.size_gib,
            droplet_id=volume.droplet_id,
            tags=volume.tags,
            trouble=self._cloud.disk_troubles.get(volume.id, Trouble()),
        )

    def _action(self, action: Action) -> ActionView:
        left = None if action.ends_at is None else max(0.0, action.ends_at - self._cloud.clock.now())
        return ActionView(
            id=action.id,
            type=action.kind.removesuffix("_volume"),
            volume_id=action.volume_id,
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
    where = " ".join(part for part in (rule.where.method, rule.where.path, rule.where.action) if part and part != "*")
    return FaultView(
        id=fault.id,
        rule=rule,
        when=f"{when} of {where}" if where else when,
        strikes=fault.strikes,
        spent=fault.is_spent,
    )
