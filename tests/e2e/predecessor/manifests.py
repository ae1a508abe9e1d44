"""What csi-digitalocean installs, with the stand-in for its program: the same kinds of objects by the same names.

The rules of the roles are what the sidecars of this cluster want, which are newer than those that it brings.
Source: the manifests of csi-digitalocean's releases 4.14 to 4.16.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.e2e.cluster.driver import NAMESPACE, SECRET
from tests.e2e.cluster.workspace import NODES
from tests.e2e.manifests import CLASS, DRIVER, Document
from tools import go_programs
from tools.image import version
from tools.services.embedded_cloud import EmbeddedCloud

CONTROLLER, NODE = "csi-do-controller", "csi-do-node"
PARTS = ("provisioner", "attacher", "snapshotter", "resizer")
REGISTRAR = "node-driver-registrar"
PROGRAM = Path(__file__).with_name("standin")
PROGRAM_MAP = "csi-do-stand-in"
ARGUMENTS = {
    "provisioner": ["--default-fstype=ext4"],
    "attacher": ["--reconcile-sync=30m", "--timeout=2m"],
    "snapshotter": [],
    "resizer": ["--timeout=30s", "--handle-volume-inuse-error=false"],
}
EVERYTHING = ["get", "list", "watch", "create", "update", "patch", "delete"]
OF_SNAPSHOTS = ["volumesnapshots", "volumesnapshotclasses", "volumesnapshotcontents", "volumesnapshotcontents/status"]
OF_STORAGE = ["storageclasses", "csinodes", "volumeattachments", "volumeattachments/status", "volumeattributesclasses"]
OF_CORE = ["persistentvolumes", "persistentvolumeclaims", "persistentvolumeclaims/status", "nodes", "pods", "events"]
RULES = [
    {"apiGroups": [""], "resources": OF_CORE, "verbs": EVERYTHING},
    {"apiGroups": ["storage.k8s.io"], "resources": OF_STORAGE, "verbs": EVERYTHING},
    {"apiGroups": ["snapshot.storage.k8s.io"], "resources": OF_SNAPSHOTS, "verbs": EVERYTHING},
]


def everything(embedded: EmbeddedCloud) -> list[Document]:
    """Return all objects of csi-digitalocean's driver.yaml, for a cluster on the embedded cloud."""
    program = {file.name: file.read_text() for file in PROGRAM.glob("*.py")}
    return [
        *classes(),
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _named(PROGRAM_MAP), "data": program},
        *_accounts(),
        _controller(embedded),
        _node(embedded),
    ]


def classes() -> list[Document]:
    """Return its CSIDriver, its VolumeSnapshotClass and its StorageClasses, which bind at once."""
    snapshots: Document = {
        "apiVersion": "snapshot.storage.k8s.io/v1",
        "kind": "VolumeSnapshotClass",
        "metadata": {"name": CLASS, "annotations": {"snapshot.storage.kubernetes.io/is-default-class": "true"}},
        "driver": DRIVER,
        "deletionPolicy": "Delete",
    }
    about: Document = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSIDriver",
        "metadata": {"name": DRIVER},
        "spec": {"attachRequired": True, "podInfoOnMount": True},
    }
    by_default = {"storageclass.kubernetes.io/is-default-class": "true"}
    return [
        about,
        snapshots,
        _class(CLASS, annotations=by_default),
        _class(f"{CLASS}-retain", reclaimPolicy="Retain"),
        _class(f"{CLASS}-xfs", parameters={"fstype": "xfs"}),
        _class(f"{CLASS}-xfs-retain", parameters={"fstype": "xfs"}, reclaimPolicy="Retain"),
    ]


def _class(name: str, *, annotations: dict[str, str] | None = None, **more: object) -> Document:
    metadata = {"name": name, "annotations": annotations or {}}
    document = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": metadata, "provisioner": DRIVER}
    return {**document, "allowVolumeExpansion": True, **more}


def _accounts() -> list[Document]:
    bound = [(part, CONTROLLER) for part in PARTS] + [(REGISTRAR, NODE)]
    made: list[Document] = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _named(f"{name}-sa")} for name in (CONTROLLER, NODE)
    ]
    for part, name in bound:
        role = f"csi-do-{part}-role"
        group = "rbac.authorization.k8s.io"
        made += [
            {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": {"name": role}, "rules": RULES},
            {
                "apiVersion": f"{group}/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": f"csi-do-{part}-binding"},
                "subjects": [{"kind": "ServiceAccount", "name": f"{name}-sa", "namespace": NAMESPACE}],
                "roleRef": {"kind": "ClusterRole", "name": role, "apiGroup": group},
            },
        ]
    return made


def _controller(embedded: EmbeddedCloud) -> Document:
    socket = {"name": "socket-dir", "mountPath": "/csi"}
    sidecars: list[Document] = [
        {
            "name": f"csi-{part}",
            "image": f"registry.k8s.io/sig-storage/csi-{part}:{go_programs.version(f'csi-{part}')}",
            "args": ["--csi-address=/csi/csi.sock", *ARGUMENTS[part]],
            "volumeMounts": [socket],
        }
        for part in PARTS
    ]
    token = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": SECRET, "key": "access-token"}}}
    plugin = _plugin("controller", [_variable("API_URL", embedded.url), token], [socket])
    pod = {
        "serviceAccountName": f"{CONTROLLER}-sa",
        "priorityClassName": "system-cluster-critical",
        "containers": [*sidecars, plugin],
        "volumes": [{"name": "socket-dir", "emptyDir": {}}, _program()],
    }
    return _workload("StatefulSet", CONTROLLER, pod, serviceName="csi-do", replicas=1)


def _node(embedded: EmbeddedCloud) -> Document:
    droplets = {node: droplet.id for node, droplet in zip(NODES, embedded.droplets, strict=True)}
    name = {"name": "KUBE_NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}
    folders = {
        "plugin-dir": (f"/var/lib/kubelet/plugins/{DRIVER}", "/csi"),
        "registration-dir": ("/var/lib/kubelet/plugins_registry", "/registration"),
        "pods-mount-dir": ("/var/lib/kubelet", "/var/lib/kubelet"),
        "device-dir": ("/dev", "/dev"),
    }
    mounts: list[Document] = [{"name": folder, "mountPath": inside} for folder, (_, inside) in folders.items()]
    for mount in mounts:
        if mount["name"] == "pods-mount-dir":
            mount["mountPropagation"] = "Bidirectional"
    volumes: list[Document] = [
        {"name": folder, "hostPath": {"path": outside, "type": "DirectoryOrCreate"}}
        for folder, (outside, _) in folders.items()
    ]
    plugin = _plugin("node", [name, _variable("DROPLETS", json.dumps(droplets))], mounts)
    pod = {
        "serviceAccountName": f"{NODE}-sa",
        "priorityClassName": "system-node-critical",
        "hostNetwork": True,
        "containers": [plugin | {"securityContext": {"privileged": True, "runAsUser": 0}}],
        "volumes": [*volumes, _program()],
    }
    return _workload("DaemonSet", NODE, pod)


def _plugin(role: str, environment: Sequence[Mapping[str, object]], mounts: Sequence[Mapping[str, object]]) -> Document:
    return {
        "name": "csi-do-plugin",
        "image": f"aiocsi:{version()}",
        "command": ["python3", "-m", f"standin.{role}"],
        "env": [_variable("REGION", "nyc1"), _variable("PYTHONPATH", "/program"), *environment],
        "securityContext": {"runAsUser": 0},
        "volumeMounts": [*mounts, {"name": "program", "mountPath": "/program/standin"}],
    }


def _workload(kind: str, name: str, pod: Mapping[str, object], **more: object) -> Document:
    labels = {"app": name, "role": "csi-do"}
    spec = {"selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": _named(name), "spec": spec | more}


def _program() -> Document:
    return {"name": "program", "configMap": {"name": PROGRAM_MAP}}


def _variable(name: str, value: str) -> Document:
    return {"name": name, "value": value}


def _named(name: str) -> Document:
    return {"name": name, "namespace": NAMESPACE}
