"""What cluster and cloud have, and how they differ, as records; and how these are read from JSON and quantities.

Sizes are bytes, times seconds since 1970.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

YOUNG_SECONDS = 600.0  # what is being made or moved
UNUSED_DAYS = 30
SUFFIXES = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


class DriftKind(StrEnum):
    """What kinds there are: words of a metric's label, which stay."""

    VOLUME_WITHOUT_PV = "volume-without-pv"
    PV_WITHOUT_VOLUME = "pv-without-volume"
    CONTENT_WITHOUT_SNAPSHOT = "content-without-snapshot"
    SNAPSHOT_WITHOUT_CONTENT = "snapshot-without-content"
    ATTACHED_UNKNOWN = "attached-unknown"
    ATTACHED_MISSING = "attached-missing"
    RELEASED_PV = "released-pv"
    CLAIM_UNUSED = "claim-unused"
    SIZE_DIFFERS = "size-differs"
    SNAPSHOTS_NEAR_LIMIT = "snapshots-near-limit"


@dataclass(frozen=True, slots=True)
class CloudVolume:
    """One volume of the cloud."""

    id: str
    name: str
    zone: str
    size_bytes: int
    node_ids: tuple[str, ...]
    tags: tuple[str, ...]
    created_at: float


@dataclass(frozen=True, slots=True)
class CloudSnapshot:
    """One snapshot of the cloud."""

    id: str
    volume_id: str
    size_bytes: int
    created_at: float


@dataclass(frozen=True, slots=True)
class CloudSide:
    """What the cloud has; None: that is not known in full."""

    volumes: Sequence[CloudVolume] | None = None
    snapshots: Sequence[CloudSnapshot] | None = None


@dataclass(frozen=True, slots=True)
class ClusterVolume:
    """A PersistentVolume of the driver; ``claim`` is namespace/name, ``created_at`` 0 where that is not told."""

    name: str
    handle: str
    size_bytes: int
    phase: str
    claim: str
    created_at: float


@dataclass(frozen=True, slots=True)
class ClusterAttachment:
    """A VolumeAttachment; ``node_id`` is what the driver calls the node, empty where it is not registered."""

    name: str
    volume: str
    node_id: str
    attached: bool


@dataclass(frozen=True, slots=True)
class ClusterContent:
    """A VolumeSnapshotContent of the driver that has a snapshot in the cloud."""

    name: str
    handle: str
    created_at: float


@dataclass(frozen=True, slots=True)
class UnusedClaim:
    """A claim that no pod has used since then."""

    namespace: str
    name: str
    volume: str
    since: float


@dataclass(frozen=True, slots=True)
class ClusterSide:
    """What the cluster has of the driver; None: that could not be read. ``tags`` are those of all volumes it makes.

    ``of_others`` are the volumes, by handle, that PersistentVolumes of other drivers name.
    """

    now: float
    volumes: Sequence[ClusterVolume]
    attachments: Sequence[ClusterAttachment] | None = None
    nodes: frozenset[str] = frozenset()
    contents: Sequence[ClusterContent] | None = None
    claims: Sequence[UnusedClaim] | None = None
    tags: frozenset[str] = frozenset()
    of_others: frozenset[str] = frozenset()
    young_seconds: float = YOUNG_SECONDS
    unused_days: int = UNUSED_DAYS

    def is_old(self, created_at: float) -> bool:
        """Tell whether something was there long enough to be known on both sides."""
        return self.now - created_at > self.young_seconds


@dataclass(frozen=True, slots=True)
class KubernetesName:
    """The object that a difference is told of: its kind, namespace and name; all empty if the cluster has none."""

    kind: str = ""
    namespace: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """One disagreement: what it is of, what is known, the command that would end it, and the bytes concerned."""

    kind: DriftKind
    what: str
    said: str
    remove: str
    about: KubernetesName = KubernetesName()
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class DriftVerdict:
    """All differences of the kinds that could be judged; of the others nothing is said."""

    found: tuple[Difference, ...]
    judged: frozenset[DriftKind]


def cloud_volume(json: Mapping[str, object]) -> CloudVolume:
    """Return a volume of the controller's page ``/volumes/UID``. Raises ValueError if it is none."""
    texts = [json.get(key) for key in ("id", "name", "zone")]
    lists = [json.get(key) for key in ("node_ids", "tags")]
    size, created = json.get("size_bytes"), json.get("created_at")
    if not (
        all(isinstance(each, str) and each for each in texts)
        and all(isinstance(each, list) for each in lists)
        and isinstance(size, int)
        and isinstance(created, int | float)
    ):
        raise ValueError("not a volume")  # of a page, not of a caller
    node_ids, tags = (tuple(map(str, each)) if isinstance(each, list) else () for each in lists)
    identity, name, zone = map(str, texts)
    return CloudVolume(identity, name, zone, size, node_ids, tags, float(created))


def in_bytes(quantity: str) -> int:
    """Return the bytes of a quantity such as 10Gi; 0 if it cannot be read."""
    suffix = next((each for each in SUFFIXES if quantity.endswith(each)), "")
    number = quantity.removesuffix(suffix)
    return int(number) * SUFFIXES.get(suffix, 1) if number.isdigit() else 0
