"""What the API answers: records become the JSON of the original.

Source: DigitalOcean API, reply schemas.
"""

from pydantic import BaseModel

from localcloud.clock import stamp
from localcloud.regions import RegionInfo, region_info
from localcloud.state.actions import Action
from localcloud.state.snapshots import Snapshot
from localcloud.state.tags import Tag
from localcloud.state.volumes import Volume


class RegionJson(BaseModel, frozen=True):
    """A region, as it stands in every volume, droplet and action too."""

    slug: str
    name: str
    available: bool
    features: tuple[str, ...]
    sizes: tuple[str, ...]


class VolumeJson(BaseModel, frozen=True):
    """One volume."""

    id: str
    name: str
    created_at: str
    description: str
    droplet_ids: tuple[int, ...]
    region: RegionJson
    size_gigabytes: int
    filesystem_type: str
    filesystem_label: str
    tags: tuple[str, ...]


class ActionJson(BaseModel, frozen=True):
    """One action. ``resource_id`` is always null: a volume's id is not a number."""

    id: int
    status: str
    type: str
    started_at: str
    completed_at: str | None
    resource_id: int | None
    resource_type: str
    region: RegionJson
    region_slug: str


class SnapshotJson(BaseModel, frozen=True):
    """One snapshot."""

    id: str
    name: str
    created_at: str
    regions: tuple[str, ...]
    resource_id: str
    resource_type: str
    min_disk_size: int
    size_gigabytes: float
    tags: tuple[str, ...]


class CountJson(BaseModel, frozen=True):
    """How many resources of a type carry a tag."""

    count: int


class TagResourcesJson(CountJson, frozen=True):
    """What carries a tag, by type."""

    droplets: CountJson
    images: CountJson
    volumes: CountJson
    volume_snapshots: CountJson
    databases: CountJson


class TagJson(BaseModel, frozen=True):
    """One tag."""

    name: str
    resources: TagResourcesJson


def region(slug: str) -> RegionJson:
    """Return a region's JSON; it is made once."""
    if slug not in _REGIONS:
        _REGIONS[slug] = region_json(region_info(slug))
    return _REGIONS[slug]


def region_json(info: RegionInfo) -> RegionJson:
    """Return the JSON of a region."""
    return RegionJson(slug=info.slug, name=info.name, available=True, features=info.features, sizes=info.sizes)


def volume(record: Volume) -> VolumeJson:
    """Return a volume's JSON."""
    return VolumeJson(
        id=record.id,
        name=record.name,
        created_at=stamp(record.created_at),
        description=record.description,
        droplet_ids=() if record.droplet_id is None else (record.droplet_id,),
        region=region(record.region),
        size_gigabytes=record.size_gib,
        filesystem_type=record.filesystem_type,
        filesystem_label=record.filesystem_label,
        tags=record.tags,
    )


def action(record: Action) -> ActionJson:
    """Return an action's JSON."""
    of_volume = record.volume_id is not None
    status = "in-progress" if record.shown == "in_progress" else record.status
    return ActionJson(
        id=record.id,
        status=status,
        type=record.kind,
        started_at=stamp(record.started_at),
        completed_at=None if status == "in-progress" or record.completed_at is None else stamp(record.completed_at),
        resource_id=None if of_volume else record.droplet_id,
        resource_type="volume" if of_volume else "droplet",
        region=region(record.region),
        region_slug=record.region,
    )


def snapshot(record: Snapshot) -> SnapshotJson:
    """Return a snapshot's JSON; how much it takes is said to be all of the volume's size."""
    return SnapshotJson(
        id=record.id,
        name=record.name,
        created_at=stamp(record.created_at),
        regions=(record.region,),
        resource_id=record.volume_id,
        resource_type="volume",
        min_disk_size=record.size_gib,
        size_gigabytes=float(record.size_gib),
        tags=record.tags,
    )


def tag(record: Tag) -> TagJson:
    """Return a tag's JSON."""
    counts = {name: CountJson(count=record.counts.get(name, 0)) for name in _TAGGABLE}
    return TagJson(
        name=record.name,
        resources=TagResourcesJson(
            count=sum(record.counts.values()),
            droplets=counts["droplet"],
            images=counts["image"],
            volumes=counts["volume"],
            volume_snapshots=counts["volume_snapshot"],
            databases=counts["database"],
        ),
    )


_TAGGABLE = ("droplet", "image", "volume", "volume_snapshot", "database")
_REGIONS: dict[str, RegionJson] = {}
