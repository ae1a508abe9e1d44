"""The JSON of the DigitalOcean API, as far as the driver reads it.

A field that decides something has no default: a reply without it is refused, naming the field, and never read as a
guess. Unknown fields pass, because the cloud may add some. Source: DigitalOcean API v2 (OpenAPI).
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from controller.digitalocean.json_fields import (
    LONGEST_LIST,
    NO_TAGS,
    Count,
    Gib,
    Items,
    Moment,
    Name,
    Number,
    Slug,
    Tags,
    Text,
    Uuid,
)


class Json(BaseModel):
    """One JSON object of a reply."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class PlaceJson(Json):
    """The region of something."""

    slug: Slug


class RegionJson(Json):
    """A region (regions_list); ``features`` tells whether it has volumes, ``available`` whether it takes new ones."""

    slug: Slug
    features: tuple[str, ...] = ()
    available: bool = True


class VolumeJson(Json):
    """A volume (volumes_get)."""

    id: Uuid
    name: Name
    size_gigabytes: Gib
    region: PlaceJson
    # null is empty, but a reply without it does not say "detached"
    droplet_ids: Annotated[tuple[Number, ...], Field(max_length=64)] | None
    created_at: Moment
    description: Text | None = None
    tags: Tags = NO_TAGS


class ActionJson(Json):
    """An action (volumeActions_get, actions_list)."""

    id: Number
    status: Literal["in-progress", "completed", "errored"]
    type: Name
    started_at: Moment | None = None
    completed_at: Moment | None = None
    resource_id: Annotated[int, Field(strict=True, ge=0, lt=1 << 63)] | None = None
    resource_type: Text = ""
    region_slug: Slug | None = None


class SnapshotJson(Json):
    """A snapshot (snapshots_get). ``min_disk_size`` counts GiB."""

    id: Uuid
    name: Name
    resource_id: Uuid
    resource_type: Name
    min_disk_size: Gib
    regions: Annotated[tuple[Slug, ...], Field(max_length=100)]
    created_at: Moment
    tags: Tags = NO_TAGS


class DropletSnapshotJson(Json):
    """A snapshot of a droplet (snapshots_get), as far as it is told from one of a volume."""

    id: Name
    resource_type: Literal["droplet"]


class DropletJson(Json):
    """A droplet (droplets_get)."""

    id: Number
    status: Name
    locked: bool
    region: PlaceJson
    volume_ids: Annotated[tuple[Uuid, ...], Field(max_length=256)]


class TeamJson(Json):
    """The team whose volumes a token sees."""

    uuid: Name


class AccountJson(Json):
    """Whose account it is (account_get)."""

    uuid: Name
    team: TeamJson | None = None


class LimitsJson(Json):
    """What the account may have (account_get). ``volume_limit`` is not in the OpenAPI; absent or 0 means none."""

    volume_limit: Count = 0


class PagesJson(Json):
    """Addresses of other pages."""

    next: str | None = None


class LinksJson(Json):
    """Links of a list; the last page has none."""

    pages: PagesJson | None = None


class MetaJson(Json):
    """How many items the list has in all."""

    total: Annotated[int, Field(strict=True, ge=0, le=LONGEST_LIST)]


class ListJson(Json):
    """What every list carries beside its items."""

    meta: MetaJson
    links: LinksJson | None = None

    @property
    def more(self) -> bool:
        """Whether a further page follows."""
        return self.links is not None and self.links.pages is not None and self.links.pages.next is not None


class VolumesJson(ListJson):
    """A page of volumes."""

    volumes: Items[VolumeJson]


class ActionsJson(ListJson):
    """A page of actions."""

    actions: Items[ActionJson]


class VolumeActionsJson(ListJson):
    """A page of one volume's actions. None may be left out: the odd one might be under way."""

    actions: Annotated[tuple[ActionJson, ...], Field(max_length=1000)]


class SnapshotsJson(ListJson):
    """A page of snapshots."""

    snapshots: Items[SnapshotJson]


class DropletsJson(ListJson):
    """A page of droplets."""

    droplets: Items[DropletJson]


class RegionsJson(ListJson):
    """A page of regions."""

    regions: Items[RegionJson]


class TagJson(Json):
    """A tag (tags_create). Its name is in the spelling that was used first."""

    name: Name


class OneTag(Json):
    """A reply that holds one tag."""

    tag: TagJson


class OneVolume(Json):
    """A reply that holds one volume."""

    volume: VolumeJson


class OneAction(Json):
    """A reply that holds one action."""

    action: ActionJson


class OneSnapshot(Json):
    """A reply that holds one snapshot."""

    snapshot: SnapshotJson


class OneDropletSnapshot(Json):
    """A reply that holds one snapshot of a droplet."""

    snapshot: DropletSnapshotJson


class OneDroplet(Json):
    """A reply that holds one droplet."""

    droplet: DropletJson


class OneAccount(Json):
    """A reply that holds the account."""

    account: AccountJson


class AccountLimits(Json):
    """The same reply, for what it says of limits."""

    account: LimitsJson


class ErrorJson(Json):
    """A reply that is no success. ``id`` is a short word, ``message`` a sentence; both are required."""

    id: Annotated[str, StringConstraints(strict=True)]
    message: Annotated[str, StringConstraints(strict=True)]


class TagErrorJson(Json):
    """The other shape of an error, which the creation of a tag documents (tags_create, 400)."""

    error: Annotated[str, StringConstraints(strict=True, min_length=1)]
    root_causes: tuple[str, ...]


def seconds(moment: datetime | None) -> float:
    """Return ``moment`` in seconds since 1970; 0 for none."""
    return 0.0 if moment is None else moment.timestamp()
