"""The JSON of the DigitalOcean API, as far as the driver reads it.

A field that decides something has no default: a reply without it is refused, naming the field, and never read as a
guess. Unknown fields pass, because the cloud may add some. Source: DigitalOcean API v2 (OpenAPI).
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Literal, TypeVar

import structlog
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

log = structlog.get_logger("cloud")

Item = TypeVar("Item")

LARGEST_GIB = 16_384
LONGEST_LIST = 1_000_000  # items
MANY = 5  # if none of so many items fits, the list is odd, and not its items
EARLIEST, LATEST = datetime(2011, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)  # the company is of 2011


def _none_is_empty(value: object) -> object:
    return () if value is None else value


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be printable")
    return text


def _plausible(moment: datetime) -> datetime:
    if not EARLIEST <= moment <= LATEST:
        raise ValueError("must be a moment of this century")
    return moment


def _skip_odd(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    """Leave out an item that does not fit: one odd item of another client must not hide all others."""
    try:
        return handler(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        _tell(".".join(map(str, first["loc"]))[:100], first["msg"][:200], _id_of(value))
        return None


@lru_cache(maxsize=1000)
def _tell(field: str, error: str, item_id: str) -> None:
    """Log it once: a list is read every minute."""
    log.warning(
        "odd_item", field=field, message=error, id=item_id, remedy="none needed, unless it is a volume of yours"
    )


def _id_of(value: object) -> str:
    return repr(value.get("id"))[:60] if isinstance(value, dict) else ""


def _some_fit(items: tuple[Item | None, ...]) -> tuple[Item | None, ...]:
    if len(items) >= MANY and not any(items):
        raise ValueError(f"none of {len(items)} items fits")
    return items


Number = Annotated[int, Field(strict=True, ge=1, lt=1 << 63)]
Count = Annotated[int, Field(strict=True, ge=0, lt=1 << 31)]
Gib = Annotated[int, Field(strict=True, ge=1, le=LARGEST_GIB)]
Uuid = Annotated[
    str, StringConstraints(strict=True, pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\z")
]
Slug = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9-]{1,32}\z")]
Name = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=255), AfterValidator(_printable)]
Text = Annotated[str, StringConstraints(max_length=4096)]
Moment = Annotated[AwareDatetime, AfterValidator(_plausible)]
Tags = Annotated[tuple[Name, ...], Field(max_length=1000), BeforeValidator(_none_is_empty)]
NO_TAGS: tuple[str, ...] = ()
Items = Annotated[  # None in the place of an odd one
    tuple[Annotated[Item | None, WrapValidator(_skip_odd)], ...], Field(max_length=1000), AfterValidator(_some_fit)
]


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
