"""Where cluster and cloud disagree, decided without I/O. Nothing is removed: each entry has the command that would.

Sizes are bytes, times seconds since 1970. Source: Kubernetes 1.37 "PersistentVolumeClaimUnused".
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from common import sizes
from common.drift_records import (
    CloudSide,
    CloudSnapshot,
    CloudVolume,
    ClusterAttachment,
    ClusterContent,
    ClusterSide,
    ClusterVolume,
    Difference,
    DriftKind,
    DriftVerdict,
    KubernetesName,
    UnusedClaim,
)

DAY_SECONDS = 86_400.0
NEAR_LIMIT, SNAPSHOT_LIMIT = 23, 25  # snapshots of one volume (DigitalOcean API, volumeSnapshots_create)


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


def _unowned(cluster: ClusterSide, volumes: Sequence[CloudVolume]) -> Iterator[Difference]:
    """Yield volumes that no object names; only the tags of the cluster tell whose they are."""
    handles = {each.handle for each in cluster.volumes} | cluster.of_others
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
        remove = f"kubectl delete pv {one.name}  # once no region and no account of yours has the volume"
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
        remove = f"doctl compute volume-action detach {volume.id} {node}  # once nothing there uses it"
        said = f"it is on server {where}"
        yield Difference(DriftKind.ATTACHED_UNKNOWN, _pv(one), said, remove, _about(one), volume.size_bytes)
    for each in sorted((each for each in told if each.attached), key=lambda each: each.name):
        if each.node_id not in volume.node_ids:
            said = (
                f"attachment {each.name} says server {each.node_id}, "
                f"the cloud says {', '.join(volume.node_ids) or 'none'}"
            )
            remove = "delete the pod that uses it: it is attached again"
            yield Difference(DriftKind.ATTACHED_MISSING, _pv(one), said, remove, _about(one), volume.size_bytes)


def _released(volumes: Sequence[ClusterVolume]) -> Iterator[Difference]:
    for one in volumes:
        if one.phase == "Released":
            said = f"its claim {one.claim} is gone; {one.size_bytes >> 30} GiB"
            remove = f"kubectl delete pv {one.name}  # the data stays if its reclaim policy is Retain"
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
    counted = Counter(each.volume_id for each in snapshots)
    for one in cluster.volumes:
        if counted[one.handle] >= NEAR_LIMIT:
            said = f"it has {NEAR_LIMIT} snapshots or more, and the cloud keeps {SNAPSHOT_LIMIT} of a volume"
            remove = "delete VolumeSnapshots of its claim"
            yield Difference(DriftKind.SNAPSHOTS_NEAR_LIMIT, _pv(one), said, remove, _about(one))


def _pv(one: ClusterVolume) -> str:
    return f"volume {one.name}"


def _about(one: ClusterVolume) -> KubernetesName:
    return KubernetesName("PersistentVolume", "", one.name)
