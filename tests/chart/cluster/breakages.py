"""A cluster in which all is well, what the plugin says of it, and ways to break it."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar, cast

from kubectl_aiocsi import reading
from kubectl_aiocsi.api import Api, Where, connect
from kubectl_aiocsi.records import DEFAULT_DRIVER, PODS, Json, Kind, Object, Snapshot
from kubectl_aiocsi.records import LEASES as LEASE
from kubectl_aiocsi.rules import chain
from kubectl_aiocsi.rules.doctor import examine
from kubectl_aiocsi.rules.finding import Finding
from kubectl_aiocsi.why import chains_of
from tests.chart.cluster.world import (
    APPS,
    LATER,
    LEASES,
    RBAC,
    RENEWED,
    SHOP,
    STORAGE,
    SYSTEM,
    Writer,
    entry,
    event,
    make_ready,
    moment,
    pod_with,
    status_of,
    store,
)
from tools.processes.program import until

SECONDS = 60.0
NUMBERS = itertools.count()
Found = TypeVar("Found")
Breaking = Callable[["World"], AbstractContextManager[None]]


@dataclass(frozen=True)
class World:
    """A cluster in which all is well, and who may write to it; ``doctor`` is asked as if ``later`` had passed."""

    kubeconfig: Path
    writer: Writer
    later: timedelta = LATER
    namespace: str = "shop"

    def ask(self, question: Callable[[Api], Awaitable[Found]], kubeconfig: str = "") -> Found:
        async def run() -> Found:
            async with connect(Where(kubeconfig or str(self.kubeconfig), namespace=self.namespace)) as api:
                return await question(api)

        return asyncio.run(run())

    def findings(self) -> dict[str, str]:
        """What ``doctor`` finds, by id."""
        return {each.id: each.said for each in reversed(self.every_finding())}

    def every_finding(self) -> list[Finding]:
        """All that ``doctor`` finds."""
        snapshot = self.ask(lambda api: reading.for_doctor(api, DEFAULT_DRIVER, lambda _: None))
        results = examine(self._afterwards(snapshot))
        return [found for each in results for found in each.findings]

    def broken(self, name: str = "web", kind: Kind = PODS) -> list[tuple[str, str]]:
        """What ``why`` says of a pod or a claim: link and cause."""

        async def read(api: Api) -> Snapshot:
            reader = reading.Reader(api, DEFAULT_DRIVER, lambda _: None)
            await reading.for_why(reader, kind, name, self.namespace)
            return self._afterwards(reader.snapshot())

        chains = chains_of(self.ask(read), kind, name, self.namespace)
        return [(each.name, each.cause) for each in chain.broken(chains)]

    def _afterwards(self, snapshot: Snapshot) -> Snapshot:
        """The cluster as it would be later, if nothing changed but the leases, which are renewed."""
        leases = [Object(json.loads(json.dumps(each.json))) for each in snapshot.every(LEASE)]
        for each in leases:
            renewed = each.time("spec", "renewTime")
            if renewed is not None:
                cast("Json", each.json["spec"])["renewTime"] = (renewed + self.later).isoformat()
        return replace(snapshot, now=datetime.now(UTC) + self.later, lists={**snapshot.lists, LEASE: leases})

    def wait(self, look: Callable[[], Found | None], seconds: float = SECONDS) -> Found:
        with asyncio.Runner() as runner:
            return runner.run(until(look, seconds))

    def attachment(self, volume: str = "pv-orders") -> Object:
        """Return the attachment that the attach-detach controller makes for a volume."""

        def look() -> Object | None:
            found = self.writer.get(f"{STORAGE}/volumeattachments").each("items")
            return next((each for each in found if each.text("spec", "source", "persistentVolumeName") == volume), None)

        return self.wait(look)


def bound(world: World, claim: str) -> bool | None:
    return world.writer.get(f"{SHOP}/persistentvolumeclaims/{claim}").text("status", "phase") == "Bound" or None


def registered(world: World, *drivers: dict[str, object]) -> AbstractContextManager[None]:
    """Let node one's kubelet know these drivers."""
    back = {"spec": {"drivers": [entry("one")]}}
    return world.writer.changed(f"{STORAGE}/csinodes/one", {"spec": {"drivers": list(drivers)}}, back)


@contextmanager
def unready(world: World, component: str, node: str = "") -> Iterator[None]:
    found = world.writer.get(f"{SYSTEM}/pods?labelSelector=app.kubernetes.io/component={component}").each("items")
    pods = [pod for pod in found if node in {"", pod.text("spec", "nodeName")}]
    for pod in pods:
        make_ready(world.writer, pod, ready=False)
    yield
    for pod in pods:
        make_ready(world.writer, pod)


@contextmanager
def without_controllers(world: World) -> Iterator[None]:
    def ready(count: int) -> bool | None:
        return (
            world.writer.get(f"{APPS}/deployments/aiocsi-controller").number("status", "readyReplicas") == count or None
        )

    world.wait(lambda: ready(2))
    with unready(world, "controller"):
        world.wait(lambda: ready(0))
        yield
    world.wait(lambda: ready(2))


@contextmanager
def unregistered(world: World) -> Iterator[None]:
    with registered(world), unready(world, "node", "one"):
        yield


def node_off(world: World) -> AbstractContextManager[None]:
    conditions = [
        {"type": "Ready", "status": kind, "reason": "x", "message": "kubelet stopped"} for kind in ("Unknown", "True")
    ]
    off, on = ({"status": {"conditions": [each]}} for each in conditions)
    return world.writer.changed("/api/v1/nodes/one/status", off, on)


def tainted(world: World) -> AbstractContextManager[None]:
    taint = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"}
    return world.writer.changed("/api/v1/nodes/two", {"spec": {"taints": [taint]}}, {"spec": {"taints": []}})


def predecessor(world: World) -> AbstractContextManager[None]:
    labels = {"app": "csi-do-node"}
    volumes = [{"name": "plugin", "hostPath": {"path": f"/var/lib/kubelet/plugins/{DEFAULT_DRIVER}"}}]
    spec = {"nodeSelector": {"no": "node"}, "containers": [{"name": "a", "image": "x"}], "volumes": volumes}
    template = {"metadata": {"labels": labels}, "spec": spec}
    daemonset = {
        "metadata": {"name": "csi-do-node"},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }
    return world.writer.having(f"{APPS}/daemonsets", daemonset)


def relabelled(world: World) -> AbstractContextManager[None]:
    def labels(value: str | None) -> dict[str, object]:
        return {"metadata": {"labels": {"aiocsi.dev/driver": value}}}

    return world.writer.changed(f"{STORAGE}/csidrivers/{DEFAULT_DRIVER}", labels(None), labels(DEFAULT_DRIVER))


def old_lease(world: World) -> AbstractContextManager[None]:
    path = f"{LEASES}/external-attacher-leader-dobs-csi-digitalocean-com"
    return world.writer.changed(path, {"spec": {"renewTime": moment(-LATER)}}, {"spec": {"renewTime": moment(RENEWED)}})


def two_defaults(world: World) -> AbstractContextManager[None]:
    def default(value: str) -> dict[str, object]:
        return {"metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": value}}}

    return world.writer.changed(f"{STORAGE}/storageclasses/do-block-storage-xfs", default("true"), default("false"))


@contextmanager
def old_node_pod(world: World) -> Iterator[None]:
    pod, *_ = world.writer.get(f"{SYSTEM}/pods?labelSelector=app.kubernetes.io/component=node").each("items")
    containers = [dict(each.json) for each in pod.each("spec", "containers")]
    old = [{**each, "image": "registry.example.com/aiocsi:0.0.9"} for each in containers]
    path = f"{SYSTEM}/pods/{pod.name}"
    with world.writer.changed(path, {"spec": {"containers": old}}, {"spec": {"containers": containers}}):
        yield


@contextmanager
def left_over(world: World) -> Iterator[None]:
    store(world.writer, "left")
    world.wait(lambda: bound(world, "left"))
    world.writer.delete(f"{SHOP}/persistentvolumeclaims/left")
    path = "/api/v1/persistentvolumes/pv-left"
    world.wait(lambda: world.writer.get(path).text("status", "phase") == "Released" or None)
    yield
    world.writer.merge(path, {"metadata": {"finalizers": None}})
    world.writer.delete(path)


@contextmanager
def lost(world: World) -> Iterator[None]:
    store(world.writer, "lost")
    world.wait(lambda: bound(world, "lost"))
    world.writer.delete("/api/v1/persistentvolumes/pv-lost")
    world.writer.merge("/api/v1/persistentvolumes/pv-lost", {"metadata": {"finalizers": None}})
    claim = f"{SHOP}/persistentvolumeclaims/lost"
    world.wait(lambda: world.writer.get(claim).text("status", "phase") == "Lost" or None)
    yield
    world.writer.merge(claim, {"metadata": {"finalizers": None}})
    world.writer.delete(claim)


def waiting(world: World, class_name: str = "do-block-storage") -> AbstractContextManager[None]:
    """A claim that shall get its volume on node one."""
    metadata = {"name": "waits", "annotations": {"volume.kubernetes.io/selected-node": "one"}}
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": class_name,
        "resources": {"requests": {"storage": "1Gi"}},
    }
    return world.writer.having(f"{SHOP}/persistentvolumeclaims", {"metadata": metadata, "spec": spec})


def provisioning(message: str) -> Breaking:
    @contextmanager
    def make(world: World) -> Iterator[None]:
        with ExitStack() as stack:
            stack.enter_context(waiting(world))
            claim = world.writer.get(f"{SHOP}/persistentvolumeclaims/waits")
            told = event(claim, "PersistentVolumeClaim", "ProvisioningFailed", message)
            stack.enter_context(world.writer.having(f"{SHOP}/events", told))
            yield

    return make


def attaching(message: str) -> Breaking:
    """A pod whose volume the attacher cannot attach; without a message it has not tried.

    Each has a volume of its own: the attach-detach controller waits before it tries one again.
    """

    @contextmanager
    def make(world: World) -> Iterator[None]:
        claim = f"claim-{next(NUMBERS)}"
        store(world.writer, claim)
        world.wait(lambda: bound(world, claim))
        with world.writer.having(f"{SHOP}/pods", pod_with(claim, "two", "second")):
            path = f"{STORAGE}/volumeattachments/{world.attachment(f'pv-{claim}').name}"
            error = {"attached": False, "attachError": {"message": message, "time": moment()[:19] + "Z"}}
            if message:
                world.writer.merge(f"{path}/status", {"status": error})
            yield
        world.writer.merge(path, {"metadata": {"finalizers": None}})
        world.writer.delete(path)

    return make


def mounting(message: str) -> Breaking:
    """Pod web, for which kubelet cannot mount the volume."""

    @contextmanager
    def make(world: World) -> Iterator[None]:
        said = f'MountVolume.MountDevice failed for volume "pv-orders" : {message}'
        told = event(world.writer.get(f"{SHOP}/pods/web"), "Pod", "FailedMount", said)
        waits, runs = status_of(False, "web"), status_of(True, "web")
        with world.writer.changed(f"{SHOP}/pods/web/status", waits, runs), world.writer.having(f"{SHOP}/events", told):
            yield

    return make


@contextmanager
def not_ended(world: World) -> Iterator[None]:
    """A pod is to end, and its kubelet does not say that it has."""
    path = f"{SHOP}/pods/last"
    world.writer.create(f"{SHOP}/pods", pod_with("orders", "one", "last"))
    world.writer.merge(f"{path}/status", status_of(True, "web"))
    world.writer.end(path, seconds=1)
    yield
    world.writer.delete(path)


@contextmanager
def no_room(world: World) -> Iterator[None]:
    """Node one may have one volume, and has it: the scheduler says what is wrong."""
    pod = pod_with("more", "", "second")
    pod["spec"] = {**Object(pod).json["spec"], "nodeSelector": {"kubernetes.io/hostname": "one"}}  # type: ignore[dict-item]
    path = f"{SHOP}/pods"
    with registered(world, entry("one", 1)), world.writer.having(path, pod):
        world.wait(lambda: world.writer.get(f"{path}/second").condition("PodScheduled").text("message") or None)
        yield


def snapshot(world: World) -> AbstractContextManager[None]:
    one = {
        "apiVersion": "snapshot.storage.k8s.io/v1",
        "kind": "VolumeSnapshot",
        "metadata": {"name": "nightly"},
        "spec": {"volumeSnapshotClassName": "do-block-storage", "source": {"persistentVolumeClaimName": "orders"}},
    }
    return world.writer.having("/apis/snapshot.storage.k8s.io/v1/namespaces/shop/volumesnapshots", one)


BREAKAGES: list[tuple[str, Breaking, str, str]] = [
    ("driver-missing", lambda world: world.writer.without(f"{STORAGE}/csidrivers/{DEFAULT_DRIVER}"), "", ""),
    ("two-drivers", predecessor, "", ""),
    ("two-drivers", relabelled, "", ""),
    ("rbac", lambda world: world.writer.without(f"{RBAC}/clusterrolebindings/kube-system-aiocsi-attacher"), "", ""),
    ("leases", old_lease, "", ""),
    ("controller-down", without_controllers, "", ""),
    ("csinode-missing", unregistered, "web", "server"),
    ("kubelet-path", registered, "web", "server"),
    ("node-plugin-down", lambda world: unready(world, "node", "one"), "web", "server"),
    ("node-lost", node_off, "web", "server"),
    ("taint-stuck", tainted, "", ""),
    ("limit-mismatch", lambda world: registered(world, entry("one", 20)), "", ""),
    ("version-skew", old_node_pod, "", ""),
    ("default-class", two_defaults, "", ""),
    ("pv-released", left_over, "", ""),
    ("claim-lost", lost, "", ""),
    ("class-missing", lambda world: waiting(world, "nobody-has-it"), "", ""),
    ("claim-stuck", waiting, "", ""),
    ("token", provisioning("rpc error: code = Unavailable desc = AIOCSI-C011: x"), "", ""),
    ("token-scopes", provisioning("rpc error: code = FailedPrecondition desc = AIOCSI-C012: x"), "", ""),
    ("cloud-unreachable", provisioning("rpc error: code = Unavailable desc = AIOCSI-C015: x"), "", ""),
    ("class-secret-missing", provisioning('error getting secret: secrets "key" not found'), "", ""),
    ("account-limit", provisioning("rpc error: code = ResourceExhausted desc = AIOCSI-C051: x"), "", ""),
    ("region", provisioning("rpc error: code = ResourceExhausted desc = AIOCSI-C032: x"), "", ""),
    ("class-parameters", provisioning("rpc error: code = InvalidArgument desc = AIOCSI-G014: x"), "", ""),
    ("va-stuck", attaching(""), "second", "attachment"),
    ("volume-gone", attaching("rpc error: code = NotFound desc = AIOCSI-C020: x"), "second", "attachment"),
    ("server-gone", attaching("rpc error: code = NotFound desc = AIOCSI-C022: x"), "second", "attachment"),
    (
        "attached-elsewhere",
        attaching("rpc error: code = FailedPrecondition desc = AIOCSI-C040: x"),
        "second",
        "attachment",
    ),
    ("node-full", no_room, "second", "server"),
    ("disk-foreign", mounting("rpc error: code = FailedPrecondition desc = AIOCSI-N031: x"), "web", "device"),
    ("filesystem-damaged", mounting("rpc error: code = FailedPrecondition desc = AIOCSI-N034: x"), "web", "device"),
    ("device-busy", mounting("rpc error: code = FailedPrecondition desc = AIOCSI-N014: x"), "web", "device"),
    ("mount-stuck", mounting("permission denied"), "web", "device"),
    ("pod-terminating", not_ended, "last", "mount"),
    ("snapshot-stuck", snapshot, "", ""),
]
