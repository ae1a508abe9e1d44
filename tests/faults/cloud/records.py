"""What the simulated cloud holds: volumes with their disks, droplets, actions, snapshots."""

from dataclasses import dataclass, field

from tests.fakes.host.disks import Disk

REGION = "nyc1"
CLUSTER = "k8s:simulated"
"""The tag of the cluster, which the driver puts on volumes and snapshots."""


@dataclass
class Action:
    """Something that is done to a volume. Times are virtual seconds."""

    id: int
    kind: str
    volume_id: str
    droplet_id: int
    started: float
    status: str = "in-progress"


@dataclass
class Volume:
    """A volume; ``droplet_id`` 0: attached to none. ``event`` is the action under way."""

    id: str
    name: str
    size_gib: int
    disk: Disk
    description: str
    created: float
    tags: list[str] = field(default_factory=list)
    droplet_id: int = 0
    event: Action | None = None
    region: str = REGION


@dataclass
class Droplet:
    """A virtual machine. ``event`` is the action under way."""

    id: int
    active: bool = True
    event: Action | None = None


@dataclass
class Snapshot:
    """A snapshot: what the disk held when it was taken."""

    id: str
    name: str
    volume_id: str
    size_gib: int
    disk: Disk
    created: float
    tags: list[str] = field(default_factory=list)
