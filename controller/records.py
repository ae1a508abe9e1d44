"""What is asked for, checked and frozen: the requests of CSI without their wire form. Sizes are bytes."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from common.capability import AccessType
from common.clouds.facts import CloudFacts
from controller.cloud.traits import Traits


@dataclass(frozen=True)
class ControllerScope:
    """Who this controller is: its driver name, its zone, what is so of its cloud, and the labels of its cluster."""

    driver_name: str
    zone: str
    facts: CloudFacts
    traits: Traits
    labels: Sequence[str] = ()


@dataclass(frozen=True)
class Size:
    """A capacity range, bytes; 0 means that no bound was named."""

    required: int = 0
    limit: int = 0


@dataclass(frozen=True)
class Source:
    """What a volume is made of: a snapshot, or another volume."""

    snapshot_id: str = ""
    volume_id: str = ""

    @property
    def origin(self) -> str:
        """The word for it in the volume context; empty for a blank volume."""
        return "snapshot" if self.snapshot_id else "volume" if self.volume_id else ""

    def __str__(self) -> str:
        return f"{self.origin} {self.snapshot_id or self.volume_id}" if self.origin else "nothing (blank)"


BLANK = Source()


@dataclass(frozen=True)
class Create:
    """A volume that is asked for; ``name`` is one that the cloud accepts.

    It is made in ``zone``; one that exists may be in any of ``zones``, if some are named.
    """

    name: str
    zone: str
    size: Size
    source: Source = BLANK
    zones: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    context: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PublishContext:
    """What the node needs to find the device."""

    volume_name: str
    size_bytes: int


@dataclass(frozen=True)
class Attach:
    """An attachment that is asked for; ``told`` is what the volume context tells, if it can be believed."""

    volume_id: str
    server_id: str
    told: PublishContext | None = None


@dataclass(frozen=True)
class Detach:
    """A detachment that is asked for; ``server_id`` None: from whatever holds the volume."""

    volume_id: str
    server_id: str | None


@dataclass(frozen=True)
class Resize:
    """A growth that is asked for."""

    volume_id: str
    size: Size
    access: AccessType | None


@dataclass(frozen=True)
class Modify:
    """Labels that shall be there, and labels that shall not."""

    volume_id: str
    present: tuple[str, ...]
    absent: tuple[str, ...]


@dataclass(frozen=True)
class ListRequest:
    """A page that is asked for; ``max_entries`` 0 leaves its length to us."""

    max_entries: int
    token: str


@dataclass(frozen=True)
class TakeSnapshot:
    """A snapshot that is asked for; ``name`` is one that the cloud accepts."""

    name: str
    volume_id: str
    labels: tuple[str, ...] = ()
