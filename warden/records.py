"""What the warden keeps of Kubernetes' objects: the fields that it judges by, and nothing else."""

from dataclasses import dataclass
from enum import Enum


class ServerState(Enum):
    """What one look at a node's server showed; UNTOLD: nothing that proves anything."""

    ACTIVE = "active"
    OFF = "off"
    GONE = "gone"
    UNTOLD = "untold"


@dataclass(frozen=True, slots=True)
class Taint:
    """A taint of a node."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """A Node object. ``changed`` is when its Ready condition last changed, in the API server's words."""

    name: str
    uid: str
    version: str
    ready: bool
    changed: str
    taints: tuple[Taint, ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()  # of the driver's prefix alone
    is_annotated: bool = False  # by whomever
    unschedulable: bool = False

    def annotation(self, key: str) -> str | None:
        """Return an annotation of the driver's prefix."""
        return dict(self.annotations).get(key)


@dataclass(frozen=True, slots=True)
class CsiNode:
    """What kubelet has registered of the driver on a node; ``limited``: with the number of volumes it takes."""

    name: str
    server_id: str
    limited: bool


@dataclass(frozen=True, slots=True)
class Attachment:
    """A VolumeAttachment of the driver."""

    name: str
    node: str
    volume: str  # the PersistentVolume's name
    attached: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """What an Event is about."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class ServicePod:
    """A pod of the node service, with its annotations of the driver's prefix."""

    namespace: str
    name: str
    uid: str
    node: str
    annotations: tuple[tuple[str, str], ...] = ()

    def annotation(self, key: str) -> str | None:
        """Return an annotation of the driver's prefix."""
        return dict(self.annotations).get(key)


@dataclass(frozen=True, slots=True)
class VolumePod:
    """A pod of whomever: the claims that it uses (namespace/name), and whether it stays where it is in a drain."""

    claims: tuple[str, ...]
    stays: bool


@dataclass(frozen=True, slots=True)
class HealthCondition:
    """What is wrong with a volume, in Kubernetes' words: Inaccessible, Degraded or DataLoss, and why."""

    status: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class PersistentVolume:
    """A PersistentVolume of the driver, and the claim that it is bound to, if there is one."""

    name: str
    handle: str
    size: str
    phase: str
    claim: Reference | None = None
    created_at: float = 0.0  # seconds since 1970; 0: not told
