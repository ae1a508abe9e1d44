"""The cluster's side of a comparison with the cloud, of what was read; the rule is the warden's, too."""

from collections.abc import Iterator

from common.drift import judge
from common.drift_records import (
    CloudSide,
    ClusterAttachment,
    ClusterSide,
    ClusterVolume,
    Difference,
    UnusedClaim,
    in_bytes,
)
from kubectl_aiocsi.records import ATTACHMENTS, CLAIMS, CSI_NODES, VOLUMES, Object, Snapshot
from kubectl_aiocsi.rules.cloud_volumes import CloudVolumes
from kubectl_aiocsi.rules.server import served_by


def drift(snapshot: Snapshot, cloud: CloudVolumes) -> list[Difference]:
    """Return all differences that can be told from what was read."""
    if VOLUMES in snapshot.unread:
        return []
    volumes = [_volume(each) for each in snapshot.every(VOLUMES) if snapshot.is_ours(each)]
    unread = snapshot.unread.keys()
    side = ClusterSide(
        now=snapshot.now.timestamp(),
        volumes=volumes,
        attachments=None if unread & {ATTACHMENTS, CSI_NODES} else [*_attachments(snapshot)],
        nodes=frozenset(served_by(snapshot, each.name).text("nodeID") for each in snapshot.every(CSI_NODES)),
        claims=None if CLAIMS in unread else [*_unused(snapshot)],
        tags=cluster_tags(cloud, {each.handle for each in volumes}),
        of_others=frozenset(_handle(each) for each in snapshot.every(VOLUMES) if not snapshot.is_ours(each)),
    )
    return list(judge(side, CloudSide(None if cloud.problem else cloud.volumes)).found)


def cluster_tags(cloud: CloudVolumes, handles: set[str]) -> frozenset[str]:
    """Return the tags that every volume of this cluster carries: cloud.tags of the chart."""
    each = [set(volume.tags) for volume in cloud.volumes if volume.id in handles]
    return frozenset(set.intersection(*each)) if each else frozenset()


def _handle(one: Object) -> str:
    return one.text("spec", "csi", "volumeHandle")


def _volume(one: Object) -> ClusterVolume:
    return ClusterVolume(
        one.name,
        _handle(one),
        in_bytes(one.text("spec", "capacity", "storage")),
        one.text("status", "phase"),
        f"{one.text('spec', 'claimRef', 'namespace')}/{one.text('spec', 'claimRef', 'name')}",
        one.created.timestamp() if one.created is not None else 0.0,
    )


def _attachments(snapshot: Snapshot) -> Iterator[ClusterAttachment]:
    for each in snapshot.every(ATTACHMENTS):
        node = served_by(snapshot, each.text("spec", "nodeName")).text("nodeID")
        volume = each.text("spec", "source", "persistentVolumeName")
        yield ClusterAttachment(each.name, volume, node, each.at("status", "attached") is True)


def _unused(snapshot: Snapshot) -> Iterator[UnusedClaim]:
    for claim in snapshot.every(CLAIMS):
        unused = claim.condition("Unused")
        since = unused.time("lastTransitionTime")
        if unused.text("status") == "True" and since is not None:
            yield UnusedClaim(claim.namespace, claim.name, claim.text("spec", "volumeName"), since.timestamp())
