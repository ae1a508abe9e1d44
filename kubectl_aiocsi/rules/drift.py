"""Where cluster and cloud disagree. Nothing is removed: each entry has the command that would."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from kubectl_aiocsi.records import ATTACHMENTS, CLAIMS, CSI_NODES, VOLUMES, Object, Snapshot
from kubectl_aiocsi.rules.cloud_volumes import CloudVolume, CloudVolumes
from kubectl_aiocsi.rules.server import served_by

YOUNG = timedelta(minutes=10)  # what is being made or moved
UNUSED = timedelta(days=30)
SUFFIXES = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
KINDS = {
    "volume-without-pv": "a volume of this cluster that no PersistentVolume names",
    "pv-without-volume": "a PersistentVolume whose volume the cloud does not have",
    "size-differs": "a PersistentVolume that tells another size than the cloud",
    "attached-unknown": "a volume on a node of the cloud, and no VolumeAttachment says so",
    "attached-missing": "a VolumeAttachment that is attached, and the cloud knows of none",
    "released-pv": "a PersistentVolume whose claim is gone",
    "claim-unused": "a claim that no pod has used for 30 days (Kubernetes 1.37)",
}


@dataclass(frozen=True)
class Drift:
    """One disagreement: its kind, the object, what is known, and the command that would end it."""

    kind: str
    what: str
    said: str
    remove: str


def drift(snapshot: Snapshot, cloud: CloudVolumes) -> list[Drift]:
    """Return all of them; what needs the cloud's volumes is left out if they are not known."""
    ours = [each for each in snapshot.every(VOLUMES) if snapshot.is_ours(each)]
    with_cloud = [] if cloud.problem else [*_unowned(snapshot, ours, cloud), *_of_volumes(snapshot, ours, cloud)]
    return [*with_cloud, *_released(ours), *_unused(snapshot, ours)]


def _unowned(snapshot: Snapshot, ours: list[Object], cloud: CloudVolumes) -> Iterator[Drift]:
    """Yield volumes that no object names; only a tag that our own volumes carry tells whose they are."""
    handles = {each.text("spec", "csi", "volumeHandle") for each in ours}
    tags = cluster_tags(cloud, handles)
    for volume in cloud.volumes:
        old = snapshot.now.timestamp() - volume.created_at > YOUNG.total_seconds()
        if volume.id not in handles and tags & set(volume.tags) and old:
            said = f"{volume.size_bytes >> 30} GiB in {volume.zone}, tags {', '.join(volume.tags)}"
            remove = f"doctl compute volume delete {volume.id}  # or keep it: kubectl aiocsi adopt {volume.id}"
            yield Drift("volume-without-pv", f"volume {volume.name} ({volume.id})", said, remove)


def cluster_tags(cloud: CloudVolumes, handles: set[str]) -> set[str]:
    """Return the tags that every volume of this cluster carries: cloud.tags of the chart."""
    each = [set(volume.tags) for volume in cloud.volumes if volume.id in handles]
    return set.intersection(*each) if each else set()


def _of_volumes(snapshot: Snapshot, ours: list[Object], cloud: CloudVolumes) -> Iterator[Drift]:
    by_id = {volume.id: volume for volume in cloud.volumes}
    for one in ours:
        if one.created is not None and snapshot.now - one.created < YOUNG:
            continue
        volume = by_id.get(one.text("spec", "csi", "volumeHandle"))
        if volume is None:
            said = f"volume {one.text('spec', 'csi', 'volumeHandle')} is not in the cloud's region"
            yield Drift("pv-without-volume", f"volume {one.name}", said, f"kubectl delete pv {one.name}")
            continue
        yield from _of_one(snapshot, one, volume)


def _of_one(snapshot: Snapshot, one: Object, volume: CloudVolume) -> Iterator[Drift]:
    told = in_bytes(one.text("spec", "capacity", "storage"))
    if told and volume.size_bytes < told:
        said = f"it tells {told} bytes, the cloud {volume.size_bytes}"
        yield Drift("size-differs", f"volume {one.name}", said, f"kubectl describe pv {one.name}")
    held = {
        served_by(snapshot, each.text("spec", "nodeName")).text("nodeID"): each
        for each in snapshot.every(ATTACHMENTS)
        if each.text("spec", "source", "persistentVolumeName") == one.name and each.at("status", "attached") is True
    }
    nodes = {served_by(snapshot, each.name).text("nodeID") for each in snapshot.every(CSI_NODES)} - {""}
    for node in sorted(set(volume.node_ids) - held.keys()):
        where = node if node in nodes else f"{node}, which is not a node of this cluster"
        remove = f"doctl compute volume-action detach {volume.id} {node}"
        yield Drift("attached-unknown", f"volume {one.name}", f"it is on droplet {where}", remove)
    for node in sorted(held.keys() - {"", *volume.node_ids}):
        said = (
            f"attachment {held[node].name} says droplet {node}, the cloud says {', '.join(volume.node_ids) or 'none'}"
        )
        yield Drift("attached-missing", f"volume {one.name}", said, "delete the pod that uses it: it is attached again")


def _released(ours: list[Object]) -> Iterator[Drift]:
    for one in ours:
        if one.text("status", "phase") == "Released":
            claim = f"{one.text('spec', 'claimRef', 'namespace')}/{one.text('spec', 'claimRef', 'name')}"
            said = f"its claim {claim} is gone; {one.text('spec', 'capacity', 'storage')}"
            yield Drift("released-pv", f"volume {one.name}", said, f"kubectl delete pv {one.name}  # keeps the data")


def _unused(snapshot: Snapshot, ours: list[Object]) -> Iterator[Drift]:
    names = {each.name for each in ours}
    for claim in snapshot.every(CLAIMS):
        unused = claim.condition("Unused")
        since = unused.time("lastTransitionTime")
        long_ago = since is not None and snapshot.now - since > UNUSED
        if claim.text("spec", "volumeName") in names and unused.text("status") == "True" and long_ago:
            said = f"no pod has used it since {unused.text('lastTransitionTime')}"
            remove = f"kubectl delete pvc -n {claim.namespace} {claim.name}"
            yield Drift("claim-unused", f"claim {claim.full_name}", said, remove)


def in_bytes(quantity: str) -> int:
    """Return the bytes of a quantity such as 10Gi; 0 if it cannot be read."""
    suffix = next((each for each in SUFFIXES if quantity.endswith(each)), "")
    number = quantity.removesuffix(suffix)
    return int(number) * SUFFIXES.get(suffix, 1) if number.isdigit() else 0
