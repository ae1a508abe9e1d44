"""What csi-digitalocean has in a cluster: its objects, to be saved, and what would not work under aiocsi.

Source: the manifests of csi-digitalocean's releases 4.14 to 4.16.
"""

from collections.abc import Iterator, Sequence

from common import errors, mount_flags
from common.capability import FILE_SYSTEMS
from kubectl_aiocsi.records import DEFAULT_DRIVER, Json, Object
from takeover.cluster import Cluster

CONTROLLER, NODE = "csi-do-controller", "csi-do-node"
PARTS = ("provisioner", "attacher", "snapshotter", "resizer", "node-driver-registrar")
_NAMES = {
    "statefulsets": {CONTROLLER},
    "daemonsets": {NODE},
    "serviceaccounts": {f"{CONTROLLER}-sa", f"{NODE}-sa"},
    "clusterroles": {f"csi-do-{part}-role" for part in PARTS},
    "clusterrolebindings": {f"csi-do-{part}-binding" for part in PARTS},
    "csidrivers": {DEFAULT_DRIVER},
}
_OF_THE_CLUSTER = {
    *("status", "metadata.uid", "metadata.resourceVersion", "metadata.generation"),
    *("metadata.creationTimestamp", "metadata.managedFields", "metadata.selfLink"),
}
_ONE_NODE = {"ReadWriteOnce", "ReadWriteOncePod"}


def saved(cluster: Cluster) -> list[Json]:
    """Return its objects, as they can be applied again. Raises NotDoneError."""
    found = [each for kind, names in _NAMES.items() for each in cluster.every(kind) if each.name in names]
    found += classes(cluster)
    found += [each for each in cluster.every("volumesnapshotclasses") if each.text("driver") == DEFAULT_DRIVER]
    return [applicable(each.json) for each in found]


def classes(cluster: Cluster) -> list[Object]:
    """Return the StorageClasses of the driver. Raises NotDoneError."""
    return [each for each in cluster.every("storageclasses") if each.text("provisioner") == DEFAULT_DRIVER]


def problems(cluster: Cluster) -> Iterator[str]:
    """Yield what must be right before anything is changed, and is not. Raises NotDoneError."""
    for kind, name in (("statefulsets", CONTROLLER), ("daemonsets", NODE)):
        if name not in {each.name for each in cluster.every(kind)}:
            yield f"there is no {kind.removesuffix('s')} {name} in {cluster.namespace}: is it --namespace?"
    for each in cluster.every("volumeattachments"):
        if each.text("spec", "attacher") == DEFAULT_DRIVER and not each.at("status", "attached"):
            yield f"VolumeAttachment {each.name} is not attached yet: wait until no volume moves"
    ours = {each.name for each in classes(cluster)}
    for each in cluster.every("persistentvolumeclaims", everywhere=True):
        if each.text("spec", "storageClassName") in ours and each.text("status", "phase") == "Pending":
            yield f"claim {each.text('metadata', 'namespace')}/{each.name} is Pending: wait, or delete it"
    volumes = [
        each for each in cluster.every("persistentvolumes") if each.text("spec", "csi", "driver") == DEFAULT_DRIVER
    ]
    for volume in volumes:
        yield from (f"PersistentVolume {volume.name}: {what}" for what in refused(volume))


def refused(volume: Object) -> Iterator[str]:
    """Yield what aiocsi would refuse of a PersistentVolume that csi-digitalocean attaches."""
    if others := set(volume.words("spec", "accessModes")) - _ONE_NODE:
        yield f"access mode {', '.join(sorted(others))}: make it again with ReadWriteOnce and reclaim policy Retain"
    kind = volume.text("spec", "csi", "fsType") or "ext4"
    if volume.text("spec", "volumeMode") == "Block":
        return
    if kind not in FILE_SYSTEMS:
        yield f"file system {kind} is not one of {', '.join(FILE_SYSTEMS)}"
        return
    try:
        mount_flags.parse(kind, volume.words("spec", "mountOptions"), read_only=False)
    except errors.Refused as error:
        yield f"{error}: correct its mountOptions in place (kubectl edit pv {volume.name})"


def applicable(found: Json) -> Json:
    """Return an object without what the cluster itself has put into it."""
    left = {**found, "metadata": {**_part(found, "metadata")}}
    for path in _OF_THE_CLUSTER:
        *above, key = path.split(".")
        (_part(left, above[0]) if above else left).pop(key, None)
    annotations = {**_part(_part(left, "metadata"), "annotations")}
    annotations.pop("kubectl.kubernetes.io/last-applied-configuration", None)
    _part(left, "metadata")["annotations"] = annotations
    return left


def _part(found: Json, key: str) -> Json:
    part = found.get(key)
    return part if isinstance(part, dict) else {}


def missing(names: Sequence[str], cluster: Cluster) -> list[str]:
    """Return the nodes of these that do not list the driver as registered. Raises NotDoneError."""
    with_driver = {
        each.name
        for each in cluster.every("csinodes")
        if any(driver.text("name") == DEFAULT_DRIVER for driver in each.each("spec", "drivers"))
    }
    return sorted(set(names) - with_driver)
