"""Where cluster and cloud disagree, decided without I/O. Nothing is removed: each entry has the command that would.

Sizes are bytes, times seconds since 1970. Source: Kubernetes 1.37 "PersistentVolumeClaimUnused".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from common import sizes

DAY_SECONDS = 86_400.0
YOUNG_SECONDS = 600.0  # what is being made or moved
UNUSED_DAYS = 30
NEAR_LIMIT, SNAPSHOT_LIMIT = 23, 25  # snapshots of one volume (DigitalOcean API, volumeSnapshots_create)
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
    """What the cluster has of the driver; None: that could not be read. ``tags`` are those of all volumes it makes."""

    now: float
    volumes: Sequence[ClusterVolume]
    attachments: Sequence[ClusterAttachment] | None = None
    nodes: frozenset[str] = frozenset()
    contents: Sequence[ClusterContent] | None = None
    claims: Sequence[UnusedClaim] | None = None
    tags: frozenset[str] = frozenset()
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


def judge(cluster: ClusterSide, cloud: CloudSide) -> DriftVerdict:
    """Compare. What needs a list that is not known in full is not judged."""
    judged = {DriftKind.RELEASED_PV}
    found = [*_released(cluster.volumes)]
    if cluster.claims is not None:
        judged.add(DriftKind.CLAIM_UNUSED)
        found += _unused(cluster, cluster.claims)
    if cloud.volumes is not None:
        judged |= {DriftKind.PV_WITHOUT_VOLUME, DriftKind.SIZE_DIFFERS}
        by_id = {volume.id: volume for volume in cloud.volumes}
        found += [each for one in cluster.volumes for each in _of_volume(cluster, one, by_id.get(one.handle))]
        if cluster.tags:
            judged.add(DriftKind.VOLUME_WITHOUT_PV)
            found += _unowned(cluster, cloud.volumes)
        if cluster.attachments is not None:
            judged |= {DriftKind.ATTACHED_UNKNOWN, DriftKind.ATTACHED_MISSING}
            found += _attached(cluster, cluster.attachments, by_id)
    if cloud.snapshots is not None:
        judged.add(DriftKind.SNAPSHOTS_NEAR_LIMIT)
        found += _many_snapshots(cluster, cloud.snapshots)
        if cluster.contents is not None:
            judged |= {DriftKind.CONTENT_WITHOUT_SNAPSHOT, DriftKind.SNAPSHOT_WITHOUT_CONTENT}
            found += _of_snapshots(cluster, cluster.contents, cloud.snapshots)
    return DriftVerdict(tuple(found), frozenset(judged))


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


def _unowned(cluster: ClusterSide, volumes: Sequence[CloudVolume]) -> Iterator[Difference]:
    """Yield volumes that no object names; only the tags of the cluster tell whose they are."""
    handles = {each.handle for each in cluster.volumes}
    for volume in volumes:
        if volume.id not in handles and cluster.tags <= set(volume.tags) and cluster.is_old(volume.created_at):
            said = f"{volume.size_bytes >> 30} GiB in {volume.zone}, tags {', '.join(volume.tags)}"
            remove = f"doctl compute volume delete {volume.id}  # or keep it: kubectl aiocsi adopt {volume.id}"
            what = f"volume {volume.name} ({volume.id})"
            yield Difference(DriftKind.VOLUME_WITHOUT_PV, what, said, remove, size_bytes=volume.size_bytes)


def _of_volume(cluster: ClusterSide, one: ClusterVolume, volume: CloudVolume | None) -> Iterator[Difference]:
    if not cluster.is_old(one.created_at):
        return
    if volume is None:
        said = f"volume {one.handle} is not in the cloud's region"
        remove = f"kubectl delete pv {one.name}"
        yield Difference(DriftKind.PV_WITHOUT_VOLUME, _pv(one), said, remove, _about(one), one.size_bytes)
    elif one.size_bytes and sizes.round_up_gib(one.size_bytes) != sizes.round_up_gib(volume.size_bytes):
        said = f"it tells {one.size_bytes} bytes, the cloud {volume.size_bytes}"
        remove, apart = f"kubectl describe pv {one.name}", abs(one.size_bytes - volume.size_bytes)
        yield Difference(DriftKind.SIZE_DIFFERS, _pv(one), said, remove, _about(one), apart)


def _attached(
    cluster: ClusterSide, attachments: Sequence[ClusterAttachment], by_id: Mapping[str, CloudVolume]
) -> Iterator[Difference]:
    of_volume: dict[str, list[ClusterAttachment]] = {}
    for each in attachments:
        of_volume.setdefault(each.volume, []).append(each)
    for one in cluster.volumes:
        volume, told = by_id.get(one.handle), of_volume.get(one.name, [])
        if volume is not None and cluster.is_old(one.created_at) and all(each.node_id for each in told):
            yield from _holders(cluster, one, volume, told)


def _holders(
    cluster: ClusterSide, one: ClusterVolume, volume: CloudVolume, told: Sequence[ClusterAttachment]
) -> Iterator[Difference]:
    """Compare who holds a volume; an attachment that is being made or undone excuses the cloud, either way."""
    for node in sorted({*volume.node_ids} - {each.node_id for each in told}):
        where = node if node in cluster.nodes else f"{node}, which is not a node of this cluster"
        remove = f"doctl compute volume-action detach {volume.id} {node}"
        said = f"it is on droplet {where}"
        yield Difference(DriftKind.ATTACHED_UNKNOWN, _pv(one), said, remove, _about(one), volume.size_bytes)
    for each in sorted((each for each in told if each.attached), key=lambda each: each.name):
        if each.node_id not in volume.node_ids:
            said = (
                f"attachment {each.name} says droplet {each.node_id}, "
                f"the cloud says {', '.join(volume.node_ids) or 'none'}"
            )
            remove = "delete the pod that uses it: it is attached again"
            yield Difference(DriftKind.ATTACHED_MISSING, _pv(one), said, remove, _about(one), volume.size_bytes)


def _released(volumes: Sequence[ClusterVolume]) -> Iterator[Difference]:
    for one in volumes:
        if one.phase == "Released":
            said = f"its claim {one.claim} is gone; {one.size_bytes >> 30} GiB"
            remove = f"kubectl delete pv {one.name}  # keeps the data"
            yield Difference(DriftKind.RELEASED_PV, _pv(one), said, remove, _about(one), one.size_bytes)


def _unused(cluster: ClusterSide, claims: Sequence[UnusedClaim]) -> Iterator[Difference]:
    by_name = {each.name: each for each in cluster.volumes}
    for claim in claims:
        volume = by_name.get(claim.volume)
        if volume is not None and cluster.now - claim.since > cluster.unused_days * DAY_SECONDS:
            said = f"no pod has used it since {datetime.fromtimestamp(claim.since, UTC):%Y-%m-%dT%H:%M:%SZ}"
            remove = f"kubectl delete pvc -n {claim.namespace} {claim.name}"
            about = KubernetesName("PersistentVolumeClaim", claim.namespace, claim.name)
            what = f"claim {claim.namespace}/{claim.name}"
            yield Difference(DriftKind.CLAIM_UNUSED, what, said, remove, about, volume.size_bytes)


def _of_snapshots(
    cluster: ClusterSide, contents: Sequence[ClusterContent], snapshots: Sequence[CloudSnapshot]
) -> Iterator[Difference]:
    """Compare snapshots; only that its volume is this cluster's tells whose a snapshot is."""
    known, named = {each.id for each in snapshots}, {each.handle for each in contents}
    for content in contents:
        if content.handle not in known and cluster.is_old(content.created_at):
            said, what = f"the cloud has no snapshot {content.handle}", f"snapshot content {content.name}"
            about = KubernetesName("VolumeSnapshotContent", "", content.name)
            remove = f"kubectl get volumesnapshotcontent {content.name}  # its VolumeSnapshot is the one to delete"
            yield Difference(DriftKind.CONTENT_WITHOUT_SNAPSHOT, what, said, remove, about)
    ours = {each.handle: each for each in cluster.volumes}
    for snapshot in snapshots:
        one = ours.get(snapshot.volume_id)
        if one is not None and snapshot.id not in named and cluster.is_old(snapshot.created_at):
            said, what = f"of volume {one.name}; no VolumeSnapshotContent names it", f"snapshot {snapshot.id}"
            remove = f"doctl compute snapshot delete {snapshot.id}"
            yield Difference(DriftKind.SNAPSHOT_WITHOUT_CONTENT, what, said, remove, _about(one), snapshot.size_bytes)


def _many_snapshots(cluster: ClusterSide, snapshots: Sequence[CloudSnapshot]) -> Iterator[Difference]:
    counted: dict[str, int] = {}
    for each in snapshots:
        counted[each.volume_id] = counted.get(each.volume_id, 0) + 1
    for one in cluster.volumes:
        if counted.get(one.handle, 0) >= NEAR_LIMIT:
            said = f"it has {NEAR_LIMIT} snapshots or more, and the cloud keeps {SNAPSHOT_LIMIT} of a volume"
            remove = "delete VolumeSnapshots of its claim"
            yield Difference(DriftKind.SNAPSHOTS_NEAR_LIMIT, _pv(one), said, remove, _about(one))


def _pv(one: ClusterVolume) -> str:
    return f"volume {one.name}"


def _about(one: ClusterVolume) -> KubernetesName:
    return KubernetesName("PersistentVolume", "", one.name)
