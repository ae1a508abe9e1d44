"""What kubelets, sidecars and the driver would write, written by the test."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import cast

import httpx2
from lightkube.config.client_adapter import Client, ConnectionParams
from lightkube.config.kubeconfig import KubeConfig

from kubectl_aiocsi.records import DEFAULT_DRIVER, Json, Object
from tests.chart.cluster.control_plane import NODES

LATER = timedelta(minutes=10)  # the plugin is asked as if so much time had passed: what waits has waited long enough
RENEWED = timedelta(hours=1)  # leases last for all tests
STORAGE, RBAC, APPS = (
    "/apis/storage.k8s.io/v1",
    "/apis/rbac.authorization.k8s.io/v1",
    "/apis/apps/v1/namespaces/kube-system",
)
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
SYSTEM, SHOP = "/api/v1/namespaces/kube-system", "/api/v1/namespaces/shop"
MERGE = {"Content-Type": "application/merge-patch+json"}
SIDECARS = ("", "external-attacher-leader-", "external-resizer-", "external-snapshotter-leader-")


def moment(later: timedelta = timedelta(0)) -> str:
    """A time, as the API server wants it."""
    return (datetime.now(UTC) + later).strftime("%Y-%m-%dT%H:%M:%S.000000Z")


class Writer:
    """Writes objects as an administrator."""

    def __init__(self, kubeconfig: Path) -> None:
        config = KubeConfig.from_file(str(kubeconfig)).get()
        assert config is not None
        self._client = Client(config, ConnectionParams(timeout=httpx2.Timeout(30.0)))

    def close(self) -> None:
        self._client.close()

    def get(self, path: str) -> Object:
        return self._send("GET", path)

    def create(self, path: str, one: Mapping[str, object]) -> Object:
        return self._send("POST", path, one)

    def merge(self, path: str, change: Mapping[str, object]) -> Object:
        return self._send("PATCH", path, change)

    def delete(self, path: str) -> None:
        self.end(path, seconds=0)

    def end(self, path: str, seconds: int) -> None:
        """Delete an object; kubelet has so long to end a pod."""
        self._send("DELETE", f"{path}?gracePeriodSeconds={seconds}")

    def _send(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Object:
        headers = MERGE if method == "PATCH" else {"Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        answer = self._client.request(method, path, content=content, headers=headers)
        if answer.is_error and not (method == "DELETE" and answer.status_code == HTTPStatus.NOT_FOUND):
            raise AssertionError(f"{method} {path}: {answer.text}")
        return Object(cast("Json", answer.json()))

    @contextmanager
    def changed(self, path: str, change: Mapping[str, object], back: Mapping[str, object]) -> Iterator[None]:
        """Change an object, and change it back."""
        self.merge(path, change)
        try:
            yield
        finally:
            self.merge(path, back)

    @contextmanager
    def without(self, path: str) -> Iterator[None]:
        """Delete an object, and make it again."""
        one = self.get(path).json
        self.delete(path)
        try:
            yield
        finally:
            metadata = cast("Json", one["metadata"])
            one["metadata"] = {key: metadata[key] for key in ("name", "labels", "annotations") if key in metadata}
            self.create(path.rpartition("/")[0], one)

    @contextmanager
    def having(self, path: str, one: Mapping[str, object]) -> Iterator[None]:
        """Make an object, and delete it."""
        name = self.create(path, one).name
        try:
            yield
        finally:
            self.merge(f"{path}/{name}", {"metadata": {"finalizers": None}})
            self.delete(f"{path}/{name}")


def status_of(ready: bool, *containers: str) -> Json:
    """Return the status of a pod as kubelet would tell it."""
    words = {True: "True", False: "False"}
    conditions = [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": words[ready]}]
    state = {"running": {}} if ready else {"waiting": {"reason": "ContainerCreating"}}
    statuses = [
        {"name": each, "ready": ready, "state": state, "image": "x", "imageID": "", "restartCount": 0}
        for each in containers
    ]
    return {
        "status": {"phase": "Running" if ready else "Pending", "conditions": conditions, "containerStatuses": statuses}
    }


def serve(writer: Writer) -> None:
    """Write what a driver that is well leaves behind: pods that are ready, registered nodes, renewed leases."""
    for node in NODES:
        controlled = {"volumes.kubernetes.io/controller-managed-attach-detach": "true"}
        writer.merge(f"/api/v1/nodes/{node}", {"metadata": {"labels": {"region": "nyc1"}, "annotations": controlled}})
        writer.create(f"{STORAGE}/csinodes", {"metadata": {"name": node}, "spec": {"drivers": [entry(node)]}})
    for pod in writer.get(f"{SYSTEM}/pods?labelSelector=aiocsi.dev/driver").each("items"):
        make_ready(writer, pod)
    for prefix in SIDECARS:
        name = f"{prefix}dobs-csi-digitalocean-com"
        spec = {"holderIdentity": "aiocsi-controller", "leaseDurationSeconds": 15, "renewTime": moment(RENEWED)}
        writer.create(LEASES, {"metadata": {"name": name}, "spec": spec})


def entry(node: str, count: int = 15) -> Json:
    """Return what kubelet tells of the driver in a CSINode."""
    number = str(list(NODES).index(node) + 1)
    return {"name": DEFAULT_DRIVER, "nodeID": number, "topologyKeys": ["region"], "allocatable": {"count": count}}


def make_ready(writer: Writer, pod: Object, *, ready: bool = True) -> None:
    """Write a pod's status."""
    names = [each.text("name") for each in pod.each("spec", "containers")]
    writer.merge(f"{SYSTEM}/pods/{pod.name}/status", status_of(ready, *names))


def store(writer: Writer, name: str) -> None:
    """Make a volume and a claim for each other; the controllers bind them."""
    csi = {"driver": DEFAULT_DRIVER, "volumeHandle": f"id-of-{name}", "fsType": "ext4"}
    shared = {"accessModes": ["ReadWriteOnce"], "storageClassName": "do-block-storage-retain"}
    size = {"storage": "1Gi"}
    volume = {"csi": csi, "capacity": size, "persistentVolumeReclaimPolicy": "Retain", **shared}
    writer.create("/api/v1/persistentvolumes", {"metadata": {"name": f"pv-{name}"}, "spec": volume})
    claim = {"volumeName": f"pv-{name}", "resources": {"requests": size}, **shared}
    writer.create(f"{SHOP}/persistentvolumeclaims", {"metadata": {"name": name}, "spec": claim})


def pod_with(claim: str, node: str, name: str = "web") -> Json:
    """Return a pod on a node that uses a claim."""
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
    containers = [{"name": "web", "image": "x", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]
    return {"metadata": {"name": name}, "spec": {"nodeName": node, "containers": containers, "volumes": volumes}}


def event(about: Object, kind: str, reason: str, message: str) -> Json:
    """Return a warning, as a sidecar or kubelet would write it."""
    involved = {"kind": kind, "name": about.name, "namespace": about.namespace, "uid": about.uid}
    return {
        "metadata": {"generateName": "told-"},
        "type": "Warning",
        "reason": reason,
        "message": message,
        "involvedObject": involved,
        "source": {"component": "test"},
        "firstTimestamp": moment()[:19] + "Z",
        "lastTimestamp": moment()[:19] + "Z",
    }
