"""What the warden may do on an API server: its rights, and the policy that bounds them; and that it does it."""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

import pytest
from prometheus_client.registry import CollectorRegistry

from common.tasks import Tasks
from tests.chart.cluster.control_plane import NODES, ControlPlane
from tests.chart.cluster.test_install import install
from tools.processes.program import until
from tools.processes.run import ToolFailed
from warden import kube
from warden.events import Recorder
from warden.failover import Failover, Parts
from warden.health import ClaimHealth, HealthParts, HealthPolicy
from warden.lease import LeaseHolder, LeaseName
from warden.metrics import WardenMetrics
from warden.records import HealthCondition, ServerState
from warden.rules.failover import Mode, Policy
from warden.view import View

DRIVER = "dobs.csi.digitalocean.com"
IN = "--namespace=kube-system"
AS = "--as=system:serviceaccount:kube-system:aiocsi-warden"
NODE = next(iter(NODES))
OUT = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"}
OTHER = {"key": "example.com/other", "effect": "NoSchedule"}
DONE_SECONDS = 90.0
BOUND = "the warden may change"  # in what the policies say

pytestmark = pytest.mark.timeout(240)


def patch(plane: ControlPlane, changes: object, *how: str) -> None:
    plane.kubectl("patch", "node", NODE, "--type=merge", f"--patch={json.dumps(changes)}", *how)


@pytest.fixture
def tainting(plane: ControlPlane) -> Iterator[ControlPlane]:
    """The control plane with a warden that may taint, and a Node with a taint of somebody else."""
    install(plane, ("helm", ()), "--set=warden.failover.mode=taint")
    patch(plane, {"spec": {"taints": [OTHER]}})
    with asyncio.Runner() as runner:
        runner.run(until(lambda: is_bounded(plane), DONE_SECONDS))
    yield plane
    clean = {f"{DRIVER}/tainted-by": None, f"{DRIVER}/ignore-failover": None}
    patch(plane, {"spec": {"taints": None}, "metadata": {"annotations": clean}})


def is_bounded(plane: ControlPlane) -> bool | None:
    """Tell whether the API server has learned the policy: it does a moment after that was made."""
    try:
        patch(plane, {"metadata": {"labels": {"a": "b"}}}, AS, "--dry-run=server")
    except ToolFailed as error:
        return "may change nothing else" in str(error) or None
    return None


FORBIDDEN: dict[str, object] = {
    "another's taint is removed": {"spec": {"taints": []}},
    "another's taint is changed": {"spec": {"taints": [{**OTHER, "effect": "NoExecute"}]}},
    "another taint is set": {"spec": {"taints": [OTHER, {"key": "b", "effect": "NoExecute"}]}},
    "the node is cordoned": {"spec": {"unschedulable": True}},
    "an operator's annotation is set": {"metadata": {"annotations": {f"{DRIVER}/ignore-failover": ""}}},
    "a label is set": {"metadata": {"labels": {"a": "b"}}},
    "a finalizer is set": {"metadata": {"finalizers": ["example.com/a"]}},
}
UNNEEDED = ("delete nodes", "update nodes/status", "get secrets", "delete pods", "create pods/eviction", "patch pods")


def test_it_may_change_nothing_but_its_taint_and_its_annotation(tainting: ControlPlane) -> None:
    ours = {"annotations": {f"{DRIVER}/tainted-by": "aiocsi"}}
    patch(tainting, {"spec": {"taints": [OTHER, OUT]}, "metadata": ours}, AS)
    patch(tainting, {"spec": {"taints": [OTHER]}, "metadata": {"annotations": {f"{DRIVER}/tainted-by": None}}}, AS)
    for what, changes in FORBIDDEN.items():
        assert BOUND in refusal(tainting, changes), what
        patch(tainting, changes, "--dry-run=server")  # an administrator may
    granted = [right for right in UNNEEDED if is_granted(tainting, right)]
    assert granted == []
    assert is_granted(tainting, "patch nodes")


def refusal(plane: ControlPlane, changes: object) -> str:
    try:
        patch(plane, changes, AS)
    except ToolFailed as error:
        return str(error)
    return ""


def is_granted(plane: ControlPlane, right: str, where: str = IN) -> bool:
    try:
        plane.kubectl("auth", "can-i", *right.split(), AS, where)
    except ToolFailed:  # its exit status is the answer
        return False
    return True


ANNOTATE: dict[str, object] = {
    "metadata": {"annotations": {f"{DRIVER}/draining": "cordoned", f"{DRIVER}/max-volumes": "7"}}
}
POD_FORBIDDEN: dict[str, object] = {
    "another annotation is set": {"metadata": {"annotations": {"a": "b"}}},
    "a label is set": {"metadata": {"labels": {"a": "b"}}},
    "an image is changed": {"spec": {"containers": [{"name": "node", "image": "example.com/other"}]}},
    "a finalizer is set": {"metadata": {"finalizers": ["example.com/a"]}},
}


def test_of_pods_it_may_change_two_annotations_of_the_node_service_alone(plane: ControlPlane) -> None:
    install(plane, ("helm", ()), "--set=node.drainWaitSeconds=60", "--set=warden.maxVolumes=true")
    with asyncio.Runner() as runner:
        service, controller = runner.run(until(lambda: pods_of(plane), DONE_SECONDS))
        another = {"metadata": {"annotations": {"a": "b"}}}
        runner.run(
            until(lambda: BOUND in pod_refusal(plane, service, another, "--dry-run=server") or None, DONE_SECONDS)
        )
    assert pod_refusal(plane, service, ANNOTATE) == ""
    for what, changes in POD_FORBIDDEN.items():
        assert BOUND in pod_refusal(plane, service, changes), what
    assert "no pod but the node service's" in pod_refusal(plane, controller, ANNOTATE)
    assert [right for right in (*UNNEEDED[:-1], "patch nodes") if is_granted(plane, right)] == []
    assert not is_granted(plane, "patch pods", "--namespace=default")


def pods_of(plane: ControlPlane) -> tuple[str, str] | None:
    """Return a pod of the node service and one of the controller, when both are there."""
    found = plane.kubectl("get", "pods", IN, "--output=name").split()
    services, controllers = ([each for each in found if part in each] for part in ("-node-", "-controller-"))
    return (services[0], controllers[0]) if services and controllers else None


def pod_refusal(plane: ControlPlane, pod: str, changes: object, *how: str) -> str:
    try:
        plane.kubectl("patch", pod, IN, f"--patch={json.dumps(changes)}", AS, *how)
    except ToolFailed as error:
        return str(error)
    return ""


class OffServers:
    """A controller whose servers are all off."""

    state = ServerState.OFF

    async def look(self, handle: str, server_id: str) -> ServerState:
        assert (handle, server_id) == ("volume-1", "101")
        return self.state


def lose(plane: ControlPlane, ready: str) -> None:
    changed = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    condition = {"type": "Ready", "status": ready, "lastTransitionTime": changed}
    told = json.dumps({"status": {"conditions": [condition]}})
    plane.kubectl("patch", "node", NODE, "--subresource=status", f"--patch={told}")


@pytest.fixture
def lost(tainting: ControlPlane) -> Iterator[ControlPlane]:
    """A node that is not ready, with a volume attached."""
    claim = {"namespace": "default", "name": "data", "uid": "1", "kind": "PersistentVolumeClaim", "apiVersion": "v1"}
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "pv-1"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Gi"},
            "claimRef": claim,
            "csi": {"driver": DRIVER, "volumeHandle": "volume-1"},
            "persistentVolumeReclaimPolicy": "Retain",
        },
    }
    source = {"persistentVolumeName": "pv-1"}
    attachment = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "VolumeAttachment",
        "metadata": {"name": "va-1"},
        "spec": {"attacher": DRIVER, "nodeName": NODE, "source": source},
    }
    registered = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSINode",
        "metadata": {"name": NODE},
        "spec": {"drivers": [{"name": DRIVER, "nodeID": "101", "topologyKeys": []}]},
    }
    made = {"apiVersion": "v1", "kind": "List", "items": [volume, attachment, registered]}
    tainting.kubectl("create", "--filename=-", stdin=json.dumps(made))
    lose(tainting, "Unknown")
    yield tainting
    lose(tainting, "True")
    tainting.kubectl("delete", "volumeattachments/va-1", f"csinodes/{NODE}")
    tainting.kubectl("delete", "persistentvolume", "pv-1", "--wait=false")


def test_a_lost_node_is_tainted_told_of_and_cleared_again(lost: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(lost.kubeconfig))
    with asyncio.Runner() as runner:
        runner.run(life(lost))


async def life(plane: ControlPlane) -> None:
    """Run a warden until it has tainted the node, and until it has cleared it."""
    tasks, servers, metrics = Tasks(), OffServers(), WardenMetrics(CollectorRegistry())
    async with kube.connect() as client:
        api = kube.Kube(client)
        view = View(api, DRIVER)
        lease = LeaseHolder(api, LeaseName("kube-system", f"aiocsi-warden-{DRIVER}", "test"), tasks)
        policy = Policy(DRIVER, Mode.TAINT, after_seconds=0, looks_apart=1)
        work = Failover(policy, Parts(view, api, servers, lease, Recorder(api, "test", metrics)), metrics)
        view.start(tasks)
        tasks.background(work.run(), "failover")
        await lease.start()

        def keys() -> list[str]:
            return plane.kubectl("get", "node", NODE, "--output=jsonpath={.spec.taints[*].key}").split()

        await until(lambda: OUT["key"] in keys() or None, DONE_SECONDS)
        lose(plane, "True")
        servers.state = ServerState.ACTIVE
        await until(lambda: OUT["key"] not in keys() or None, DONE_SECONDS)
        assert OTHER["key"] in keys()
        await until_told(plane, {"NodeTainted", "NodeTaintRemoved"}, "--all-namespaces")
        await lease.drain(5)
        await tasks.close()
    holder = "--output=jsonpath={.spec.holderIdentity}"
    assert plane.kubectl("get", "lease", f"aiocsi-warden-{DRIVER}", IN, holder) == ""


async def until_told(plane: ControlPlane, reasons: set[str], *of: str) -> None:
    """Wait until there are Events for these reasons: each is written after what it tells of."""

    def look() -> bool | None:
        return reasons <= {str(event["reason"]) for event in plane.get("events", *of)} or None

    await until(look, DONE_SECONDS)


HEALTH = {"healthConditions": [{"status": "Degraded", "reason": "R", "message": "m"}]}
NO_MORE = "the warden may change nothing of a claim but the health in its status"
FORBIDDEN_OF_CLAIMS: dict[str, object] = {
    "its size is changed": {"status": {"capacity": {"storage": "9Gi"}}},
    "a condition of another is set": {"status": {"conditions": [{"type": "Resizing", "status": "True"}]}},
    "its phase is changed": {"status": {"phase": "Lost"}},
    "a change that is under way is forged": {"status": {"modifyVolumeStatus": {"status": "Pending"}}},
    "an owner is given that is gone, so that it is collected with its data": {
        "metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "gone"}]}
    },
}


@pytest.fixture
def claimed(tainting: ControlPlane) -> Iterator[ControlPlane]:
    """A claim that is bound to a volume of the driver."""
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "", "volumeName": "pv-2"}
    asked = {"requests": {"storage": "1Gi"}}
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data-2", "namespace": "default"},
        "spec": {**spec, "resources": asked},
    }
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "pv-2"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Gi"},
            "csi": {"driver": DRIVER, "volumeHandle": "volume-2"},
            "persistentVolumeReclaimPolicy": "Retain",
        },
    }
    tainting.kubectl(
        "create", "--filename=-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": [volume, claim]})
    )
    with asyncio.Runner() as runner:
        runner.run(until(lambda: claim_says(tainting, "{.status.phase}") == "Bound" or None, DONE_SECONDS))
    yield tainting
    tainting.kubectl("delete", "persistentvolumeclaim", "data-2", "--namespace=default", "--wait=false")
    tainting.kubectl("delete", "persistentvolume", "pv-2", "--wait=false")


def claim_says(plane: ControlPlane, path: str) -> str:
    return plane.kubectl("get", "persistentvolumeclaim", "data-2", "--namespace=default", f"--output=jsonpath={path}")


async def refused(changes: object, *, is_warden: bool = True, dry: bool = True) -> str:
    """Patch the claim's status; return why that was refused."""
    who = {"Impersonate-User": AS.removeprefix("--as=")} if is_warden else {}
    async with kube.connect() as client:
        answer = await client.patch(
            "/api/v1/namespaces/default/persistentvolumeclaims/data-2/status",
            params={"dryRun": "All"} if dry else {},
            headers={"Content-Type": "application/merge-patch+json", **who},
            content=json.dumps(changes).encode(),
        )
    return answer.text if answer.is_error else ""


def test_it_may_change_nothing_of_a_claim_but_its_health(
    claimed: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(claimed.kubeconfig))
    with asyncio.Runner() as runner:
        runner.run(bounds(claimed))
    assert is_granted(claimed, "patch pvc --subresource=status")
    unneeded = ("patch pvc", "delete pvc", "update pvc --subresource=status")
    assert [right for right in unneeded if is_granted(claimed, right)] == []


async def bounds(plane: ControlPlane) -> None:
    """Try what is forbidden, and what is not."""
    async with asyncio.timeout(DONE_SECONDS):
        while NO_MORE not in await refused(next(iter(FORBIDDEN_OF_CLAIMS.values()))):
            pass  # the API server learns a policy a moment after it was made
    for what, changes in FORBIDDEN_OF_CLAIMS.items():
        assert NO_MORE in await refused(changes), what
        assert await refused(changes, is_warden=False) == ""  # an administrator may
    assert await refused({"status": {"healthStatus": HEALTH}}, dry=False) == ""
    assert claim_says(plane, "{.status.healthStatus.healthConditions[0].reason}") == "R"
    assert await refused({"status": {"healthStatus": None}}, dry=False) == ""


class IllVolume:
    """A controller that knows one volume, which is not well."""

    ill = True
    known = True

    async def ailing(self) -> Mapping[str, tuple[HealthCondition, ...]]:
        return {"volume-2": (HealthCondition("Inaccessible", "ServerNotActive", "it is off"),)} if self.ill else {}

    async def unlisted(self, handles: Iterable[str]) -> frozenset[str]:
        return frozenset(handles) - ({"volume-2"} if self.known else set())

    async def is_gone(self, handle: str) -> bool:
        return handle == "volume-2" and not self.known


def test_the_health_of_a_volume_is_shown_on_its_claim_and_goes(
    claimed: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(claimed.kubeconfig))
    with asyncio.Runner() as runner:
        runner.run(illness(claimed))


async def illness(plane: ControlPlane) -> None:
    """Run a warden until the claim has shown each finding, and none any more."""
    tasks, told, metrics = Tasks(), IllVolume(), WardenMetrics(CollectorRegistry())
    reasons = "{.status.healthStatus.healthConditions[*].reason}"

    def says(wanted: str) -> bool | None:
        return claim_says(plane, reasons) == wanted or None

    async with kube.connect() as client:
        api = kube.Kube(client)
        view = View(api, DRIVER)
        lease = LeaseHolder(api, LeaseName("kube-system", f"aiocsi-warden-{DRIVER}", "test"), tasks)
        parts = HealthParts(view, api, told, lease, Recorder(api, "test", metrics))
        work = ClaimHealth(HealthPolicy(DRIVER, 0.5, conditions=True), parts, metrics)
        view.start(tasks)
        tasks.background(work.run(), "health")
        await lease.start()
        await until(lambda: says("ServerNotActive"), DONE_SECONDS)
        told.known = False
        await until(lambda: says("VolumeGone ServerNotActive"), DONE_SECONDS)
        told.ill, told.known = False, True
        await until(lambda: says(""), DONE_SECONDS)
        of_the_claim = ("--namespace=default", "--field-selector=involvedObject.name=data-2")
        await until_told(plane, {"VolumeInaccessible", "VolumeDataLoss", "VolumeRecovered"}, *of_the_claim)
        await lease.drain(5)
        await tasks.close()
