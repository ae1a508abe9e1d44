"""The PersistentVolume for a volume that the cloud has and the cluster does not; refused if it would do harm.

Source: docs/guides/import-volume.md.
"""

from common.drift_records import CloudVolume
from common.sizes import GIB
from kubectl_aiocsi.records import CLASSES, VOLUMES, Json, Object, Snapshot
from kubectl_aiocsi.rules.cloud_volumes import CloudVolumes


class NotAdoptableError(Exception):
    """The volume cannot be used by the cluster; the text tells why, and what to do."""


def adopted(snapshot: Snapshot, cloud: CloudVolumes, wanted: str) -> Json:
    """Return the PersistentVolume for the volume of that id or name. Raises NotAdoptableError."""
    if VOLUMES in snapshot.unread:
        raise NotAdoptableError(f"one of the PersistentVolumes may have it already: {snapshot.unread[VOLUMES]}")
    volume = _the_one(cloud, wanted)
    owners = (each for each in snapshot.every(VOLUMES) if each.text("spec", "csi", "volumeHandle") == volume.id)
    owner = next(owners, None)
    if owner is not None:
        raise NotAdoptableError(
            f"PersistentVolume {owner.name} has it already: use that; two objects for one volume lose data"
        )
    if volume.node_ids:
        held = ", ".join(volume.node_ids)
        raise NotAdoptableError(f"attached to droplet {held}: detach it there first")
    if snapshot.find(VOLUMES, volume.name):
        raise NotAdoptableError(
            f"there is a PersistentVolume {volume.name} of another volume: rename this volume in the cloud"
        )
    return _object(snapshot, volume)


def _the_one(cloud: CloudVolumes, wanted: str) -> CloudVolume:
    if cloud.problem:
        raise NotAdoptableError(f"the cloud's volumes are not known: {cloud.problem}; see kubectl aiocsi doctor")
    found = [each for each in cloud.volumes if wanted in {each.id, each.name}]
    if not found:
        raise NotAdoptableError(
            f"the cloud has no volume {wanted} in the cluster's region (seen {cloud.age_seconds:.0f} s ago):"
            " kubectl aiocsi drift lists those without a PersistentVolume"
        )
    return found[0]


def _class(snapshot: Snapshot) -> Object:
    """Return a class of the driver that keeps volumes, else any of it, else an empty object."""
    ours = [each for each in snapshot.every(CLASSES) if each.text("provisioner") == snapshot.driver]
    plain = [each for each in ours if "encryption" not in str(each.at("parameters"))]
    keeping = [each for each in plain if each.text("reclaimPolicy") == "Retain"]
    return next(iter([*keeping, *plain]), Object({}))


def _object(snapshot: Snapshot, volume: CloudVolume) -> Json:
    storage_class = _class(snapshot)
    fs_type = storage_class.text("parameters", "csi.storage.k8s.io/fstype") or "ext4"
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": volume.name,
            "annotations": {"pv.kubernetes.io/provisioned-by": snapshot.driver},
        },
        "spec": {
            "storageClassName": storage_class.name,
            "persistentVolumeReclaimPolicy": "Retain",
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": f"{volume.size_bytes // GIB}Gi"},
            "csi": {
                "driver": snapshot.driver,
                "volumeHandle": volume.id,
                "fsType": fs_type,
                "volumeAttributes": {f"{snapshot.driver}/noformat": "true"},
            },
            "nodeAffinity": {
                "required": {
                    "nodeSelectorTerms": [
                        {"matchExpressions": [{"key": "region", "operator": "In", "values": [volume.zone]}]}
                    ]
                }
            },
        },
    }
