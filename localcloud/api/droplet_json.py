"""A droplet as the API tells it. Most of it is the same for every droplet: only storage is simulated.

Source: DigitalOcean API "droplets_get".
"""

from pydantic import BaseModel

from localcloud.api.replies import RegionJson, region
from localcloud.clock import stamp
from localcloud.regions import NAMES, SIZES
from localcloud.state.droplets import Droplet

MEMORY_MB = 1024
DISK_GB = 25
IMAGE_ID = 129211873


class ImageJson(BaseModel, frozen=True):
    """The image that the droplet was made from."""

    id: int
    name: str
    type: str
    distribution: str
    slug: str
    public: bool
    regions: tuple[str, ...]
    created_at: str
    min_disk_size: int
    size_gigabytes: float
    description: str
    tags: tuple[str, ...]
    status: str


class SizeJson(BaseModel, frozen=True):
    """The size of the droplet."""

    slug: str
    memory: int
    vcpus: int
    disk: int
    transfer: float
    price_monthly: float
    price_hourly: float
    regions: tuple[str, ...]
    available: bool
    description: str


class AddressJson(BaseModel, frozen=True):
    """One address of the droplet."""

    ip_address: str
    netmask: str
    gateway: str
    type: str


class NetworksJson(BaseModel, frozen=True):
    """The addresses of the droplet."""

    v4: tuple[AddressJson, ...]
    v6: tuple[AddressJson, ...]


class DropletJson(BaseModel, frozen=True):
    """One droplet."""

    id: int
    name: str
    memory: int
    vcpus: int
    disk: int
    locked: bool
    status: str
    created_at: str
    features: tuple[str, ...]
    backup_ids: tuple[int, ...]
    next_backup_window: None
    snapshot_ids: tuple[int, ...]
    image: ImageJson
    volume_ids: tuple[str, ...]
    size: SizeJson
    size_slug: str
    networks: NetworksJson
    region: RegionJson
    tags: tuple[str, ...]
    vpc_uuid: str


IMAGE = ImageJson(
    id=IMAGE_ID,
    name="12 x64",
    type="base",
    distribution="Debian",
    slug="debian-12-x64",
    public=True,
    regions=("nyc1", "nyc3", "fra1"),
    created_at="2023-06-12T00:00:00Z",
    min_disk_size=7,
    size_gigabytes=0.7,
    description="Debian 12 x64",
    tags=(),
    status="available",
)
SIZE = SizeJson(
    slug=SIZES[0],
    memory=MEMORY_MB,
    vcpus=1,
    disk=DISK_GB,
    transfer=1.0,
    price_monthly=6.0,
    price_hourly=0.00893,
    regions=tuple(NAMES),
    available=True,
    description="Basic",
)


def droplet(record: Droplet, *, locked: bool = False) -> DropletJson:
    """Return a droplet's JSON; ``locked`` while an event of it is under way."""
    return DropletJson(
        id=record.id,
        name=record.name,
        memory=MEMORY_MB,
        vcpus=1,
        disk=DISK_GB,
        locked=locked,
        status=record.status,
        created_at=stamp(record.created_at),
        features=("droplet_agent", "private_networking"),
        backup_ids=(),
        next_backup_window=None,
        snapshot_ids=(),
        image=IMAGE,
        volume_ids=record.volume_ids,
        size=SIZE,
        size_slug=SIZES[0],
        networks=NetworksJson(v4=(_address(record.id),), v6=()),
        region=region(record.region),
        tags=record.tags,
        vpc_uuid="00000000-0000-4000-8000-000000000000",
    )


def _address(droplet_id: int) -> AddressJson:
    low = droplet_id % 65_000 + 2
    address = f"10.10.{low >> 8}.{low & 255}"
    return AddressJson(ip_address=address, netmask="255.255.0.0", gateway="10.10.0.1", type="private")
