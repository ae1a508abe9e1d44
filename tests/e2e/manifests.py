"""Manifests of the tests: claims, pods and what else a story needs."""

from collections.abc import Mapping, Sequence

Document = dict[str, object]

IMAGE = "busybox:1.37"
CLASS = "do-block-storage"
LIMIT = 15  # volumes on a droplet
DRIVER = "dobs.csi.digitalocean.com"


def claim(
    name: str,
    size: str = "1Gi",
    *,
    storage_class: str = CLASS,
    mode: str = "Filesystem",
    access: str = "ReadWriteOnce",
    source: Mapping[str, str] | None = None,
    volume: str = "",
) -> Document:
    """Return a claim; ``source`` is the snapshot or claim that it is made from, ``volume`` one that exists."""
    spec: Document = {
        "accessModes": [access],
        "volumeMode": mode,
        "storageClassName": storage_class,
        "resources": {"requests": {"storage": size}},
    }
    if source is not None:
        spec["dataSource"] = dict(source)
    if volume:
        spec["volumeName"] = volume
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


def storage_class(name: str, **more: object) -> Document:
    """Return a StorageClass of the driver."""
    document: Document = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": DRIVER,
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
    }
    return document | more


def region(slug: str) -> list[Document]:
    """Return the topology of one region, as a StorageClass allows it."""
    return [{"matchLabelExpressions": [{"key": "region", "values": [slug]}]}]


def pod(name: str, claim_name: str, *, node: str = "", more: Mapping[str, object] | None = None) -> Document:
    """Return a pod with a file system volume at /data."""
    container = {**_container(), "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    return _pod(name, container, [_volume(claim_name)], node, more)


def reader(name: str, claim_name: str, *, node: str = "") -> Document:
    """Return a pod that has the volume read-only at /data."""
    container = {**_container(), "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    volume: Document = {"name": "data", "persistentVolumeClaim": {"claimName": claim_name, "readOnly": True}}
    return _pod(name, container, [volume], node, None)


def block_pod(name: str, claim_name: str, *, node: str = "") -> Document:
    """Return a pod with a raw block volume at /dev/data."""
    container = {**_container(), "volumeDevices": [{"name": "data", "devicePath": "/dev/data"}]}
    return _pod(name, container, [_volume(claim_name)], node, None)


def stateful_set(name: str, replicas: int) -> Document:
    """Return a StatefulSet whose pods have a volume each, at /data."""
    container = {**_container(), "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name},
        "spec": {
            "serviceName": name,
            "replicas": replicas,
            "podManagementPolicy": "Parallel",
            "selector": {"matchLabels": {"app": name}},
            "template": template,
            "volumeClaimTemplates": [{**claim("data"), "apiVersion": "v1"}],
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete", "whenScaled": "Retain"},
        },
    }


def snapshot(name: str, claim_name: str) -> Document:
    """Return a snapshot of a claim's volume."""
    return {
        "apiVersion": "snapshot.storage.k8s.io/v1",
        "kind": "VolumeSnapshot",
        "metadata": {"name": name},
        "spec": {"volumeSnapshotClassName": CLASS, "source": {"persistentVolumeClaimName": claim_name}},
    }


def _container() -> Document:
    return {"name": "main", "image": IMAGE, "command": ["sh", "-c", "trap exit TERM; while :; do sleep 1; done"]}


def _volume(claim_name: str) -> Document:
    return {"name": "data", "persistentVolumeClaim": {"claimName": claim_name}}


def _pod(
    name: str, container: Document, volumes: Sequence[Document], node: str, more: Mapping[str, object] | None
) -> Document:
    spec: Document = {
        "terminationGracePeriodSeconds": 1,
        "tolerations": [{"operator": "Exists"}],
        "containers": [container],
        "volumes": list(volumes),
        **(more or {}),
    }
    if node:
        spec["nodeSelector"] = {"kubernetes.io/hostname": node}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
