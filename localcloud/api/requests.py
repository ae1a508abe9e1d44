"""What clients send. What they leave out, and what is not of the right type, decides nothing silently.

Source: DigitalOcean API, request schemas of volumes, volume actions, snapshots, tags, droplets.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Region = Literal[
    "ams1", "ams2", "ams3", "blr1", "fra1", "lon1", "nyc1", "nyc2", "nyc3",
    "sfo1", "sfo2", "sfo3", "sgp1", "tor1", "syd1",
]  # fmt: skip
OptionalRegion = Region | Literal[""] | None  # the Go client sends an empty one when it has none
TagName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_\-:]{1,255}$")]
TagNames = tuple[TagName, ...] | None
BigInt = Annotated[int, Field(gt=-(1 << 63), lt=1 << 63)]


class Body(BaseModel):
    """A JSON object. Numbers are numbers: a string of digits is refused, as the original does."""

    model_config = ConfigDict(frozen=True, strict=True)


class CreateVolume(Body):
    """POST /v2/volumes."""

    name: str
    size_gigabytes: BigInt
    region: OptionalRegion = None
    description: str = ""
    snapshot_id: str | None = None
    filesystem_type: str = ""
    filesystem_label: Annotated[str, Field(max_length=16)] = ""
    tags: Annotated[TagNames, Field(strict=False)] = None


class VolumeAction(Body):
    """POST /v2/volumes/{id}/actions, and with ``volume_name`` POST /v2/volumes/actions."""

    type: Literal["attach", "detach", "resize"]
    droplet_id: BigInt | None = None
    size_gigabytes: BigInt | None = None
    volume_name: str | None = None
    region: OptionalRegion = None
    tags: Annotated[TagNames, Field(strict=False)] = None


class CreateSnapshot(Body):
    """POST /v2/volumes/{id}/snapshots."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    tags: Annotated[TagNames, Field(strict=False)] = None


class CreateTag(Body):
    """POST /v2/tags."""

    name: TagName


class TagResource(Body):
    """One thing that a tag is put on or taken off."""

    resource_id: str
    resource_type: Literal["droplet", "image", "volume", "volume_snapshot"]


class TagResources(Body):
    """POST and DELETE /v2/tags/{tag}/resources."""

    resources: Annotated[tuple[TagResource, ...], Field(strict=False)]


class CreateDroplet(Body):
    """POST /v2/droplets: of all that the original takes, what matters here."""

    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9.\-]{1,255}$")]
    region: Region
    tags: Annotated[TagNames, Field(strict=False)] = None


class DropletAction(Body):
    """POST /v2/droplets/{id}/actions."""

    type: Literal["power_off", "power_on", "shutdown"]
