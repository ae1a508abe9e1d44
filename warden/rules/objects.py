"""Kubernetes' objects, cut down to records as they arrive: what is not judged by is not kept."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from sys import intern

from common import chart_labels
from common.drift_records import ClusterContent, UnusedClaim
from warden.records import Attachment, CsiNode, NodeRecord, PersistentVolume, Reference, ServicePod, Taint, VolumePod

Json = Mapping[str, object]


def at(json: object, *keys: str) -> object:
    """Return what is at a path of an object, or None."""
    for key in keys:
        json = json.get(key) if isinstance(json, Mapping) else None
    return json


def text(json: object, *keys: str) -> str:
    """Return the text at a path of an object; empty if there is none."""
    found = at(json, *keys)
    return found if isinstance(found, str) else ""


def each(json: object, *keys: str) -> Iterator[Json]:
    """Yield the objects of the list at a path."""
    found = at(json, *keys)
    for item in found if isinstance(found, list | tuple) else ():
        if isinstance(item, Mapping):
            yield item


def moment(stamp: str) -> float:
    """Return the seconds since 1970 of an RFC 3339 text, 0 if it tells no moment."""
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except ValueError:
        return 0.0


def name_of(json: Json) -> str:
    """Return the key of an object within its kind: namespace/name, or the name alone."""
    namespace, name = text(json, "metadata", "namespace"), text(json, "metadata", "name")
    return f"{namespace}/{name}" if namespace else name


def node(json: Json, driver: str) -> NodeRecord:
    """Return a Node with the annotations of ``driver``."""
    ready = next((one for one in each(json, "status", "conditions") if one.get("type") == "Ready"), {})
    return NodeRecord(
        name=intern(text(json, "metadata", "name")),
        uid=text(json, "metadata", "uid"),
        version=text(json, "metadata", "resourceVersion"),
        ready=ready.get("status") == "True",
        changed=text(ready, "lastTransitionTime"),
        taints=tuple(_taint(one) for one in each(json, "spec", "taints")),
        annotations=tuple(_annotations(at(json, "metadata", "annotations"), f"{driver}/")),
        is_annotated=bool(at(json, "metadata", "annotations")),
        unschedulable=at(json, "spec", "unschedulable") is True,
    )


def _taint(json: Json) -> Taint:
    return Taint(intern(text(json, "key")), intern(text(json, "value")), intern(text(json, "effect")))


def _annotations(json: object, prefix: str) -> Iterable[tuple[str, str]]:
    found = json if isinstance(json, Mapping) else {}
    return ((key, text(found, key)) for key in sorted(map(str, found)) if key.startswith(prefix))


def csi_node(json: Json, driver: str) -> CsiNode | None:
    """Return what a CSINode tells of ``driver``; None if nothing."""
    for one in each(json, "spec", "drivers"):
        if one.get("name") == driver:
            limited = isinstance(at(one, "allocatable", "count"), int)
            return CsiNode(intern(text(json, "metadata", "name")), text(one, "nodeID"), limited)
    return None


def attachment(json: Json, driver: str) -> Attachment | None:
    """Return a VolumeAttachment of ``driver``; None for another's."""
    if text(json, "spec", "attacher") != driver:
        return None
    return Attachment(
        name=text(json, "metadata", "name"),
        node=intern(text(json, "spec", "nodeName")),
        volume=intern(text(json, "spec", "source", "persistentVolumeName")),
        attached=at(json, "status", "attached") is True,
    )


def persistent_volume(json: Json, driver: str) -> PersistentVolume | None:
    """Return a PersistentVolume of ``driver``; None for another's."""
    if text(json, "spec", "csi", "driver") != driver:
        return None
    claim = at(json, "spec", "claimRef")
    return PersistentVolume(
        name=intern(text(json, "metadata", "name")),
        handle=text(json, "spec", "csi", "volumeHandle"),
        size=intern(text(json, "spec", "capacity", "storage")),
        phase=intern(text(json, "status", "phase")),
        claim=None if claim is None else _claim(claim),
        created_at=moment(text(json, "metadata", "creationTimestamp")),
    )


def handle_of_other(json: Json, driver: str) -> str | None:
    """Return the handle that a PersistentVolume of another driver names; None for ours, and for one without."""
    theirs = text(json, "spec", "csi", "driver") != driver
    return (theirs and text(json, "spec", "csi", "volumeHandle")) or None


def _claim(json: object) -> Reference:
    namespace = intern(text(json, "namespace"))
    return Reference("v1", "PersistentVolumeClaim", namespace, text(json, "name"), text(json, "uid"))


def pod(json: Json) -> Reference:
    """Return what an Event says of a pod."""
    metadata = at(json, "metadata")
    return Reference("v1", "Pod", text(metadata, "namespace"), text(metadata, "name"), text(metadata, "uid"))


def claims_of(json: Json) -> Iterator[str]:
    """Yield namespace/name of each claim that a pod names."""
    namespace = text(json, "metadata", "namespace")
    for volume in each(json, "spec", "volumes"):
        if name := text(volume, "persistentVolumeClaim", "claimName"):
            yield f"{namespace}/{name}"
        elif at(volume, "ephemeral") is not None:  # Kubernetes "Generic ephemeral volumes": how their claim is named
            yield f"{namespace}/{text(json, 'metadata', 'name')}-{text(volume, 'name')}"


def volume_pod(json: Json) -> VolumePod:
    """Return what a drain asks of a pod. One of a DaemonSet stays in every drain, so no one waits for it to go."""
    ended = text(json, "status", "phase") in {"Succeeded", "Failed"}
    goes = at(json, "metadata", "deletionTimestamp") is not None
    daemon = any(text(owner, "kind") == "DaemonSet" for owner in each(json, "metadata", "ownerReferences"))
    return VolumePod(tuple(claims_of(json)), stays=not (ended or goes or daemon))


def service_pod(json: Json, driver: str) -> ServicePod | None:
    """Return a pod of the node service; None for another one, and for one without a node."""
    metadata, node = at(json, "metadata"), text(json, "spec", "nodeName")
    if not node or not chart_labels.is_part(text(metadata, "labels", chart_labels.COMPONENT), "node"):
        return None
    return ServicePod(
        namespace=intern(text(metadata, "namespace")),
        name=text(metadata, "name"),
        uid=text(metadata, "uid"),
        node=intern(node),
        annotations=tuple(_annotations(at(metadata, "annotations"), f"{driver}/")),
    )


def unused_claim(json: Json) -> UnusedClaim | None:
    """Return a claim that no pod uses, as Kubernetes 1.37 tells it; None for any other."""
    for one in each(json, "status", "conditions"):
        since = moment(text(one, "lastTransitionTime"))
        if one.get("type") == "Unused" and one.get("status") == "True" and since:
            metadata = at(json, "metadata")
            return UnusedClaim(
                text(metadata, "namespace"), text(metadata, "name"), text(json, "spec", "volumeName"), since
            )
    return None


def snapshot_content(json: Json, driver: str) -> ClusterContent | None:
    """Return a VolumeSnapshotContent of ``driver`` that has a snapshot in the cloud; None for any other."""
    handle = text(json, "status", "snapshotHandle") or text(json, "spec", "source", "snapshotHandle")
    if text(json, "spec", "driver") != driver or not handle:
        return None
    created_at = moment(text(json, "metadata", "creationTimestamp"))
    return ClusterContent(text(json, "metadata", "name"), handle, created_at)
