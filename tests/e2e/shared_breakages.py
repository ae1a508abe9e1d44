"""Breakages of what all share, made on purpose on the cluster, one after the other: ``ONE_BY_ONE``."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from kubectl_aiocsi.records import CLAIMS, PODS, Kind
from kubectl_aiocsi.rules.lasting import SETTLES
from tests.chart.cluster import breakages
from tests.chart.cluster.world import APPS, LATER, LEASES, RBAC, STORAGE, SYSTEM, moment
from tests.e2e.breakages import FIRST, TOLD_SECONDS, Shop, until
from tests.e2e.cluster import driver
from tests.e2e.cluster.workspace import NODES
from tests.e2e.parts import node_part
from tools.processes.run import ToolFailed

CONTROL_PLANE = NODES[0]
PODS_OF_CONTROLLER = f"{SYSTEM}/pods?labelSelector=app.kubernetes.io/component=controller"
DEPLOYMENT = f"{APPS}/deployments/aiocsi-controller"
RESIZER = "external-resizer-dobs-csi-digitalocean-com"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
LONGER_THAN_A_CALL = 130  # seconds: csi-provisioner waits for 120
HOLDS = "sleep 86399"  # what has a file of the volume open
Break = Callable[[Shop], AbstractContextManager[None]]


@dataclass(frozen=True)
class Shared:
    """A breakage, and what ``why`` says of ``name``, asked as if ``later`` had passed."""

    id: str
    make: Break
    name: str = ""  # empty: there is nothing to ask ``why`` about
    link: str = ""
    kind: Kind = PODS
    later: timedelta = timedelta(0)

    def __str__(self) -> str:
        return self.id


@contextmanager
def untrue_limit(shop: Shop) -> Iterator[None]:
    path = f"{STORAGE}/csinodes/{CONTROL_PLANE}"
    [entry] = shop.world.writer.get(path).each("spec", "drivers")
    more = {**entry.json, "allocatable": {"count": 99}}
    with shop.world.writer.changed(path, {"spec": {"drivers": [more]}}, {"spec": {"drivers": [entry.json]}}):
        yield


@contextmanager
def taint_left(shop: Shop) -> Iterator[None]:
    taint = "node.kubernetes.io/out-of-service"
    shop.workspace.kubectl("taint", "node", CONTROL_PLANE, f"{taint}=nodeshutdown:NoSchedule")
    try:
        yield
    finally:
        shop.workspace.kubectl("taint", "node", CONTROL_PLANE, f"{taint}-")


@contextmanager
def leader_hangs(shop: Shop) -> Iterator[None]:
    """The resizer that leads stands still; that it does so for long is told by its lease."""
    holder = shop.world.writer.get(f"{LEASES}/{RESIZER}").text("spec", "holderIdentity")
    pods = shop.world.writer.get(PODS_OF_CONTROLLER).each("items")
    node = next(pod.text("spec", "nodeName") for pod in pods if pod.name in holder)
    shop.workspace.docker("exec", node, "pkill", "-STOP", "csi-resizer")
    try:
        shop.world.writer.merge(f"{LEASES}/{RESIZER}", {"spec": {"renewTime": moment(-LATER)}})
        yield
    finally:
        shop.workspace.docker("exec", node, "pkill", "-CONT", "csi-resizer")


@contextmanager
def node_service_crashes(shop: Shop) -> Iterator[None]:
    daemonset = f"daemonset/aiocsi-node-n{NODES.index(FIRST)}"
    argv = ("set", "env", f"--namespace={driver.NAMESPACE}", "--containers=node", daemonset)
    shop.workspace.kubectl(*argv, "AIOCSI_LOG_LEVEL=nonsense")
    try:
        yield
    finally:
        shop.workspace.kubectl(*argv, "AIOCSI_LOG_LEVEL=info")
        shop.workspace.kubectl("rollout", "status", f"--namespace={driver.NAMESPACE}", daemonset, "--timeout=120s")


@contextmanager
def no_token_secret(shop: Shop) -> Iterator[None]:
    namespace = f"--namespace={driver.NAMESPACE}"
    with scaled_to_nothing(shop):
        shop.workspace.kubectl("delete", "secret", driver.SECRET, namespace)
    try:
        yield
    finally:
        driver.secret(shop.workspace, shop.cloud.token)
        shop.workspace.kubectl("delete", "pod", namespace, "--selector=app.kubernetes.io/component=controller")


@contextmanager
def scaled_to_nothing(shop: Shop) -> Iterator[None]:
    replicas = shop.world.writer.get(DEPLOYMENT).number("spec", "replicas")
    with shop.world.writer.changed(DEPLOYMENT, {"spec": {"replicas": 0}}, {"spec": {"replicas": replicas}}):
        until(lambda: not [*shop.world.writer.get(PODS_OF_CONTROLLER).each("items")] or None, TOLD_SECONDS)
        yield


@contextmanager
def account_full(shop: Shop) -> Iterator[None]:
    fault = shop.fault("/v2/volumes", 403, "volume/snapshot capacity limit exceeded")
    shop.claim("one-more")
    try:
        yield
    finally:
        shop.ask_cloud("DELETE", fault)


@contextmanager
def out_of_requests(shop: Shop) -> Iterator[None]:
    """The account's hour is spent: the driver asks for nothing more, and says so. It lasts as long as its process."""
    fault = shop.rule("/v2/volumes", {"kind": "rate_limited", "retry_after": LONGER_THAN_A_CALL})
    shop.claim("too-many")
    try:
        yield
    finally:
        shop.ask_cloud("DELETE", fault)
        shop.world.writer.delete(shop.path("too-many"))


@contextmanager
def snapshots_not_served(shop: Shop) -> Iterator[None]:
    """The API server knows no snapshots, as without the definitions; the objects stay."""
    paths = [
        f"{DEFINITIONS}/{plural}.snapshot.storage.k8s.io" for plural in ("volumesnapshots", "volumesnapshotcontents")
    ]
    before = {path: [each.json for each in shop.world.writer.get(path).each("spec", "versions")] for path in paths}
    try:
        for path, versions in before.items():
            shop.world.writer.merge(path, {"spec": {"versions": [{**each, "served": False} for each in versions]}})
        yield
    finally:
        for path, versions in before.items():
            shop.world.writer.merge(path, {"spec": {"versions": versions}})


@contextmanager
def kubelet_stopped(shop: Shop) -> Iterator[None]:
    """Kubelet is silent, and what the node controller writes after 50 s of that is written at once."""
    systemctl = ("exec", FIRST, "systemctl")
    silent = {"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown", "lastTransitionTime": now()}
    conditions = [{**silent, "message": "Kubelet stopped posting node status."}]
    shop.workspace.docker(*systemctl, "stop", "kubelet")
    try:
        patch = json.dumps({"status": {"conditions": conditions}})
        argv = ("patch", "node", FIRST, "--subresource=status", "--type=strategic", f"--patch={patch}")
        shop.workspace.kubectl(*argv)
        yield
    finally:
        shop.workspace.docker(*systemctl, "start", "kubelet")
        shop.workspace.kubectl("wait", "--for=condition=Ready", f"node/{FIRST}", "--timeout=90s")


def now() -> str:
    return f"{moment()[:19]}Z"


@contextmanager
def mount_kept_busy(shop: Shop) -> Iterator[None]:
    """A program on the node has a file of the volume open when the pod is to end."""
    pod = shop.world.writer.get(f"/api/v1/namespaces/{shop.namespace}/pods/well")
    folder = f"/var/lib/kubelet/pods/{pod.uid}/volumes/kubernetes.io~csi/{shop.bound('well').name}/mount"
    shop.workspace.docker("exec", "--detach", FIRST, "sh", "-c", f"cd {folder} && exec {HOLDS}")
    try:
        until(lambda: is_held(shop) or None, TOLD_SECONDS)
        shop.workspace.kubectl("delete", "pod", "well", f"--namespace={shop.namespace}", "--wait=false")
        until(lambda: refuses_to_unmount(shop) or None, TOLD_SECONDS)
        yield
    finally:
        shop.workspace.docker("exec", FIRST, "pkill", "-f", f"^{HOLDS}$")
        shop.workspace.kubectl("wait", "--for=delete", "pod/well", f"--namespace={shop.namespace}", "--timeout=90s")


def is_held(shop: Shop) -> bool:
    """Whether the program is in the folder: before, its shell has another name."""
    with suppress(ToolFailed):
        return bool(shop.workspace.docker("exec", FIRST, "pgrep", "-f", f"^{HOLDS}$"))
    return False


def refuses_to_unmount(shop: Shop) -> bool:
    """Whether the node's log says that a mount is busy."""
    labels = ",".join(f"{key}={value}" for key, value in node_part(FIRST).items())
    argv = ("logs", f"--namespace={driver.NAMESPACE}", f"--selector={labels}", "--container=node", "--tail=20")
    with suppress(ToolFailed):
        return "AIOCSI-N075" in shop.workspace.kubectl(*argv)
    return False


# Rows that leave the controllers something to forget stand before those that start them again.
ONE_BY_ONE = (
    Shared("two-drivers", lambda shop: breakages.predecessor(shop.world)),
    Shared("two-drivers", lambda shop: breakages.relabelled(shop.world)),
    Shared("default-class", lambda shop: breakages.two_defaults(shop.world)),
    Shared("limit-mismatch", untrue_limit),
    Shared("taint-stuck", taint_left),
    Shared("node-lost", kubelet_stopped, "well", "server"),
    Shared("rbac", lambda shop: shop.world.writer.without(f"{RBAC}/clusterrolebindings/kube-system-aiocsi-attacher")),
    Shared("leases", leader_hangs),
    Shared("account-limit", account_full, "one-more", "claim", CLAIMS),
    Shared("node-plugin-down", node_service_crashes, "well", "server", later=SETTLES),
    Shared("pod-terminating", mount_kept_busy, "well", "mount", later=LATER),
    Shared("crd-snapshots", snapshots_not_served),
    Shared("rate-limit", out_of_requests, "too-many", "claim", CLAIMS),
    Shared("controller-down", scaled_to_nothing),
    Shared("token-secret", no_token_secret),
)
