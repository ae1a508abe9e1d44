"""A healthy cluster: what the chart makes, two nodes, and a pod with a volume; and words to break it with."""

import json
from copy import deepcopy
from datetime import timedelta
from functools import cache

import yaml

from kubectl_aiocsi.records import DEFAULT_DRIVER, Json, Object
from tests.unit.kubectl_aiocsi.api_server import NOW, ApiServer
from tools.venv import ROOT

MADE_BY_CHART = ROOT / "charts" / "snapshots" / "default.yaml"
NODES = ("one", "two")
SIDECARS = ("csi-provisioner", "csi-attacher", "csi-resizer", "csi-snapshotter")
LEASES = (
    "dobs-csi-digitalocean-com",
    "external-attacher-leader-dobs-csi-digitalocean-com",
    "external-resizer-dobs-csi-digitalocean-com",
    "external-snapshotter-leader-dobs-csi-digitalocean-com",
)
PLURALS = {
    kind: f"{kind.lower()}s" for kind in ("CSIDriver", "ClusterRole", "ClusterRoleBinding", "DaemonSet", "Deployment")
} | {"StorageClass": "storageclasses", "VolumeSnapshotClass": "volumesnapshotclasses"}
METRICS = """\
aiocsi_cloud_requests_total{method="GET",route="/v2/volumes",status="200"} 40.0
aiocsi_cloud_requests_total{method="GET",route="/v2/account",status="200"} 1.0
aiocsi_cloud_rate_limit_remaining 4900.0
# EOF
"""


def ago(minutes: float) -> str:
    """A moment before now, as the API server tells it."""
    return (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def metadata(one: Object) -> Json:
    """Return the metadata of an object."""
    found = one.at("metadata")
    return found if isinstance(found, dict) else {}


def made(kind: str, name: str, namespace: str = "", *, minutes: float = 60, **more: object) -> Json:
    """Return an object with metadata."""
    inside = {"namespace": namespace} if namespace else {}
    return {
        "kind": kind,
        "metadata": {"name": name, "uid": f"uid-{name}", "creationTimestamp": ago(minutes), **inside},
        **more,
    }


@cache
def made_by_chart() -> list[Json]:
    """Return what the chart makes of its own values; a caller copies it."""
    return list(yaml.safe_load_all(MADE_BY_CHART.read_text()))


def healthy() -> ApiServer:
    """Return a cluster in which all is well: pod shop/web has claim orders, volume pv-orders on node one."""
    server = ApiServer()
    for document in deepcopy(made_by_chart()):
        one = Object(document)
        if plural := PLURALS.get(one.text("kind")):
            document["metadata"] = {**metadata(one), "uid": f"uid-{one.name}", "creationTimestamp": ago(600)}
            server.add(plural, document)
    _workloads(server)
    for node in NODES:
        server.add("nodes", _node(node))
        drivers = [{"name": DEFAULT_DRIVER, "nodeID": "1", "topologyKeys": ["region"], "allocatable": {"count": 15}}]
        server.add("csinodes", made("CSINode", node, spec={"drivers": drivers}))
    for lease in LEASES:
        spec = {"holderIdentity": "aiocsi-controller-0", "leaseDurationSeconds": 15, "renewTime": ago(0)}
        server.add("leases", made("Lease", lease, "kube-system", spec=spec))
    _volume(server)
    server.add("daemonsets", made("DaemonSet", "logs", "monitoring"))  # what is not about volumes
    return server


def _workloads(server: ApiServer) -> None:
    for kind, counts in (
        ("Deployment", ("replicas", "readyReplicas", "availableReplicas", "updatedReplicas")),
        ("DaemonSet", ("desiredNumberScheduled", "numberReady", "updatedNumberScheduled")),
    ):
        [workload] = server.objects[PLURALS[kind]]
        found = Object(workload)
        workload["status"] = {**dict.fromkeys(counts, 2), "observedGeneration": 1}
        for number, node in enumerate(NODES):
            component = found.label("app.kubernetes.io/component")
            pod = made("Pod", f"aiocsi-{component}-{number}", "kube-system", minutes=600)
            spec = found.at("spec", "template", "spec")
            assert isinstance(spec, dict)
            names = [each.text("name") for each in found.each("spec", "template", "spec", "containers")]
            labels = found.at("spec", "template", "metadata", "labels")
            pod["metadata"] = {**metadata(Object(pod)), "labels": labels}
            pod["spec"] = {**spec, "nodeName": node}
            pod["status"] = running(*names)
            server.add("pods", pod)
            if component == "controller":
                answers(server, f"aiocsi-controller-{number}")


def cloud_has(server: ApiServer, *more: Json, age: float | None = 30.0, drop: bool = False) -> None:
    """Let the controller that leads know of the volume of pv-orders, and of more."""
    own: Json = {
        "id": "1cdb2c84-0000-4000-8000-000000000001",
        "name": "pv-orders",
        "zone": "nyc1",
        "size_bytes": 10 << 30,
        "node_ids": ["1"],
        "tags": ["shop-cluster"],
        "created_at": 1.7e9,
    }
    told = None if age is None else [*([] if drop else [own]), *({**own, **each} for each in more)]
    for number, volumes in enumerate((None, told)):
        pod = f"aiocsi-controller-{number}"
        path = f"/api/v1/namespaces/kube-system/pods/{pod}:9810/proxy/volumes/uid-{pod}"
        server.texts[path] = (200, json.dumps({"age_seconds": age, "volumes": volumes}))


def answers(server: ApiServer, pod: str, ready: str = "ready", metrics: str = METRICS) -> None:
    """Let a pod of the controller answer so through the proxy."""
    path = f"/api/v1/namespaces/kube-system/pods/{pod}:9810/proxy"
    server.texts[f"{path}/readyz"] = (200 if ready == "ready" else 503, f"{ready}\n")
    server.texts[f"{path}/metrics"] = (200, metrics)


def running(*containers: str) -> Json:
    """Return the status of a pod whose containers run."""
    conditions = [{"type": kind, "status": "True"} for kind in ("PodScheduled", "Ready")]
    statuses = [{"name": name, "ready": True, "state": {"running": {"startedAt": ago(59)}}} for name in containers]
    return {"phase": "Running", "conditions": conditions, "containerStatuses": statuses}


def _node(name: str) -> Json:
    node = made("Node", name, status={"conditions": [{"type": "Ready", "status": "True"}]})
    node["metadata"] = {**metadata(Object(node)), "labels": {"kubernetes.io/os": "linux", "region": "nyc1"}}
    return node


def _volume(server: ApiServer) -> None:
    reference = {"namespace": "shop", "name": "orders", "uid": "uid-orders"}
    csi = {"driver": DEFAULT_DRIVER, "volumeHandle": "1cdb2c84-0000-4000-8000-000000000001", "fsType": "ext4"}
    spec = {"csi": csi, "capacity": {"storage": "10Gi"}, "claimRef": reference, "storageClassName": "do-block-storage"}
    server.add("persistentvolumes", made("PersistentVolume", "pv-orders", spec=spec, status={"phase": "Bound"}))
    wanted = {"volumeName": "pv-orders", "storageClassName": "do-block-storage"}
    claim = made("PersistentVolumeClaim", "orders", "shop", spec=wanted, status={"phase": "Bound"})
    server.add("persistentvolumeclaims", claim)
    source = {"attacher": DEFAULT_DRIVER, "nodeName": "one", "source": {"persistentVolumeName": "pv-orders"}}
    server.add("volumeattachments", made("VolumeAttachment", "csi-1", spec=source, status={"attached": True}))
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "orders"}}]
    server.add("pods", made("Pod", "web", "shop", spec={"nodeName": "one", "volumes": volumes}, status=running("web")))


def event(about: Json, reason: str, message: str, *, by: str = "kubelet", minutes: float = 10) -> Json:
    """Return a warning about an object."""
    one = Object(about)
    involved = {"kind": one.text("kind"), "name": one.name, "namespace": one.namespace, "uid": one.uid}
    return made(
        "Event",
        f"{one.name}.{reason}",
        one.namespace or "default",
        minutes=minutes,
        type="Warning",
        reason=reason,
        message=message,
        involvedObject=involved,
        source={"component": by},
        firstTimestamp=ago(minutes),
        lastTimestamp=ago(0.5),
    )


def pending(pod: Json) -> None:
    """Let no container of a pod have started."""
    pod["status"] = {
        "phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False"}],
        "containerStatuses": [{"name": "web", "ready": False, "state": {"waiting": {"reason": "ContainerCreating"}}}],
    }


def unbound(server: ApiServer) -> Json:
    """Let the claim have no volume yet, and its pod wait on node one; return the claim."""
    claim = server.get("persistentvolumeclaims", "orders")
    claim["spec"] = {"storageClassName": "do-block-storage"}
    claim["status"] = {"phase": "Pending"}
    claim["metadata"] = {
        **metadata(Object(claim)),
        "annotations": {"volume.kubernetes.io/selected-node": "one"},
    }
    server.drop("persistentvolumes")
    server.drop("volumeattachments")
    pending(server.get("pods", "web"))
    return claim
