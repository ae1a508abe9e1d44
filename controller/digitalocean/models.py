"""The JSON of the DigitalOcean API, as far as the driver reads it.

A field that decides something has no default: a reply without it is refused, naming the field, and never read as a
guess. Unknown fields pass, because the cloud may add some. Source: DigitalOcean API v2 (OpenAPI).
"""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, StringConstraints


def _none_is_empty(value: object) -> object:
    return () if value is None else value


Name = Annotated[str, StringConstraints(min_length=1)]
Tags = Annotated[tuple[str, ...], BeforeValidator(_none_is_empty)]
NO_TAGS: tuple[str, ...] = ()


class Json(BaseModel):
    """One JSON object of a reply."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class RegionJson(Json):
    """A region (regions_list); ``features`` tells whether it has volumes."""

    slug: Name
    features: tuple[str, ...] = ()


class VolumeJson(Json):
    """A volume (volumes_get)."""

    id: Name
    name: Name
    size_gigabytes: int
    region: RegionJson
    droplet_ids: tuple[int, ...] | None  # null is empty, but a reply without it does not say "detached"
    created_at: AwareDatetime
    description: str | None = None
    tags: Tags = NO_TAGS


class ActionJson(Json):
    """An action (volumeActions_get, actions_list)."""

    id: int
    status: Name
    type: Name
    started_at: AwareDatetime | None = None
    completed_at: AwareDatetime | None = None
    resource_id: int | None = None
    resource_type: str = ""


class SnapshotJson(Json):
    """A snapshot (snapshots_get). ``min_disk_size`` counts GiB."""

    id: Name
    name: Name
    resource_id: Name
    resource_type: Name
    min_disk_size: int
    regions: tuple[str, ...]
    created_at: AwareDatetime
    tags: Tags = NO_TAGS


class DropletJson(Json):
    """A droplet (droplets_get)."""

    id: int
    status: Name
    region: RegionJson
    volume_ids: tuple[str, ...]


class AccountJson(Json):
    """The account (account_get). ``volume_limit`` is not in the OpenAPI; absent or 0 means none."""

    volume_limit: int = 0


class PagesJson(Json):
    """Addresses of other pages."""

    next: str | None = None


class LinksJson(Json):
    """Links of a list; the last page has none."""

    pages: PagesJson | None = None


class MetaJson(Json):
    """How many items the list has in all."""

    total: int


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

    volumes: tuple[VolumeJson, ...]


class ActionsJson(ListJson):
    """A page of actions."""

    actions: tuple[ActionJson, ...]


class SnapshotsJson(ListJson):
    """A page of snapshots."""

    snapshots: tuple[SnapshotJson, ...]


class DropletsJson(ListJson):
    """A page of droplets."""

    droplets: tuple[DropletJson, ...]


class RegionsJson(ListJson):
    """A page of regions."""

    regions: tuple[RegionJson, ...]


class OneVolume(Json):
    """A reply that holds one volume."""

    volume: VolumeJson


class OneAction(Json):
    """A reply that holds one action."""

    action: ActionJson


class OneSnapshot(Json):
    """A reply that holds one snapshot."""

    snapshot: SnapshotJson


class OneDroplet(Json):
    """A reply that holds one droplet."""

    droplet: DropletJson


class OneAccount(Json):
    """A reply that holds the account."""

    account: AccountJson


class ErrorJson(Json):
    """A reply that is no success. ``id`` is a short word, ``message`` a sentence."""

    id: str = ""
    message: str = ""


def seconds(moment: datetime | None) -> float:
    """Return ``moment`` in seconds since 1970; 0 for none."""
    return 0.0 if moment is None else moment.timestamp()
