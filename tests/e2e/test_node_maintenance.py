"""Nodes are maintained: a rollout that nobody notices, a drain and the Node's deletion, a driver that comes late."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import pytest
from lightkube import AsyncClient
from lightkube.resources.core_v1 import Node, Pod

from tests.e2e import manifests
from tests.e2e.breakages import until_named
from tests.e2e.cluster.driver import NAMESPACE
from tests.e2e.cluster.workspace import MINOR, NODES, Workspace
from tests.e2e.parts import node_part, parts, until_all_are_ready
from tests.e2e.place import Document, Place, until_gone
from tests.e2e.test_absences import READ, WRITE, until_ready_is
from tests.e2e.test_warden import another, node_of
from tools.processes.program import until
from tools.processes.run import ToolFailed

_, FIRST, SECOND = NODES
DRIVER = manifests.DRIVER
NOTICED_SECONDS = 45.0  # far less than what a drain waits here
REGISTERED_SECONDS = 60.0
MOVED_SECONDS = 60.0  # from the deletion of the node; without the wait Kubernetes takes 360
STAYS_SECONDS = 10.0

pytestmark = [pytest.mark.timeout(600), pytest.mark.asyncio, pytest.mark.alone]


async def test_a_rollout_changes_no_csi_node_and_waits_for_nobody_also_where_the_node_is_cordoned(
    place: Place, client: AsyncClient, workspace: Workspace
) -> None:
    await place.make(manifests.claim("data"), manifests.pod("app", "data", node=FIRST))
    await place.ready("app")
    before = registered(workspace, FIRST)
    assert before[1] > 0
    old = await parts(client, node_part(FIRST))
    async with cordoned(workspace, FIRST):
        await asyncio.sleep(STAYS_SECONDS)  # noqa: TID251  # so long the warden may see it, and has to say nothing
        began = asyncio.get_running_loop().time()
        await asyncio.to_thread(workspace.kubectl, "rollout", "restart", daemon_set(FIRST), IN)
        async with asyncio.timeout(NOTICED_SECONDS):
            for pod in old:
                await until_gone(client, Pod, pod, NAMESPACE)
        tell("old pod gone", began)
        await until_all_are_ready(client, node_part(FIRST), seconds=120)
    assert registered(workspace, FIRST) == before
    await kubelet_registers_again(client, workspace, FIRST)


async def test_a_pod_runs_elsewhere_at_once_when_its_node_was_drained_and_deleted(
    place: Place, client: AsyncClient, workspace: Workspace
) -> None:
    await place.make(slow_to_end("db"))
    first = await place.ready("db-0")
    node = node_of(first)
    written = await place.sh("db-0", WRITE)
    [service] = await parts(client, node_part(node))
    drain = ("drain", node, "--ignore-daemonsets", "--pod-selector=app=db", "--timeout=120s")
    try:
        async with asyncio.TaskGroup() as group:
            drained = group.create_task(asyncio.to_thread(workspace.kubectl, *drain))
            began = asyncio.get_running_loop().time()
            await told(client, service, f"{DRIVER}/draining")
            tell("told of the drain", began)
            await client.delete(Pod, service, namespace=NAMESPACE)
            await until_gone(client, Pod, service, NAMESPACE)
            tell("node service ended", began)
            await client.delete(Node, node)
            deleted = asyncio.get_running_loop().time()
            await drained
        moved = await another(place, "db-0", first, MOVED_SECONDS)
        tell("moved, after the deletion", deleted)
        assert node_of(moved) != node
        assert await place.sh("db-0", READ) == written
    finally:
        await asyncio.to_thread(workspace.docker, "exec", node, "systemctl", "restart", "kubelet")  # makes a Node again
    await until_ready_is(client, node, {"True"})
    await until_all_are_ready(client, node_part(node), seconds=180)
    await until_limit(workspace, node, lambda limit: limit > 0)


async def test_no_pod_is_scheduled_before_a_driver_that_comes_late(
    place: Place, client: AsyncClient, workspace: Workspace
) -> None:
    taint = {"key": f"{DRIVER}/agent-not-ready", "effect": "NoSchedule"}
    waits: Document = {"tolerations": []}
    async with without_the_driver(client, workspace, SECOND):
        await client.patch(Node, SECOND, {"spec": {"taints": [taint]}})
        await asyncio.to_thread(scheduler_waits, workspace, wait=True)
        await place.make(manifests.claim("one"), manifests.pod("for-the-taint", "one", node=SECOND, more=waits))
        await place.make(manifests.claim("two"), manifests.pod("for-the-driver", "two", node=SECOND))
        await asyncio.sleep(STAYS_SECONDS)  # noqa: TID251  # that nothing happens has no event
        assert [await place.scheduled(pod) for pod in ("for-the-taint", "for-the-driver")] == [False, False]
        messages = [event for event in await place.events() if "FailedScheduling" in event]
        print("\n".join(messages))  # noqa: T201  # for the figures
        began = asyncio.get_running_loop().time()
    for pod in ("for-the-taint", "for-the-driver"):
        await place.ready(pod, seconds=120)
    tell("ready, after the driver may come", began)
    await asyncio.to_thread(scheduler_waits, workspace, wait=False)


@pytest.mark.skipif(MINOR < 35, reason="kubelet asks again how many volumes a node takes from Kubernetes 1.35 on")
async def test_a_node_takes_as_many_volumes_as_its_annotation_says(place: Place, workspace: Workspace) -> None:
    _, before = registered(workspace, FIRST)
    began = asyncio.get_running_loop().time()
    await asyncio.to_thread(workspace.kubectl, "annotate", "node", FIRST, f"{DRIVER}/max-volumes=2")
    try:
        await until_limit(workspace, FIRST, lambda limit: limit == 2)
        tell("limit of 2 seen", began)
        for name in ("a", "b"):
            await place.make(manifests.claim(name), manifests.pod(name, name, node=FIRST))
            await place.ready(name)
        await place.make(manifests.claim("c"), manifests.pod("c", "c", node=FIRST))
        await place.event("FailedScheduling", "max volume count")
        assert not await place.scheduled("c")
        await until_named(workspace, {"node-full"})
    finally:
        await asyncio.to_thread(workspace.kubectl, "annotate", "node", FIRST, f"{DRIVER}/max-volumes-")
    await until_limit(workspace, FIRST, lambda limit: limit == before)


IN = f"--namespace={NAMESPACE}"


def tell(what: str, began: float) -> None:
    """Print how long something took, for the figures."""
    print(f"{what}: {asyncio.get_running_loop().time() - began:.1f} s")  # noqa: T201


def daemon_set(node: str) -> str:
    return f"daemonset/aiocsi-node-n{NODES.index(node)}"


def slow_to_end(name: str) -> Document:
    """Return a StatefulSet whose pod takes its time to end, as a database does."""
    made = json.loads(json.dumps(manifests.stateful_set(name, 1)))
    spec = made["spec"]["template"]["spec"]
    spec["terminationGracePeriodSeconds"] = 30
    spec["containers"][0]["lifecycle"] = {"preStop": {"exec": {"command": ["sleep", "8"]}}}
    found: Document = made
    return found


@asynccontextmanager
async def cordoned(workspace: Workspace, node: str) -> AsyncIterator[None]:
    await asyncio.to_thread(workspace.kubectl, "cordon", node)
    try:
        yield
    finally:
        await asyncio.to_thread(workspace.kubectl, "uncordon", node)


@asynccontextmanager
async def without_the_driver(client: AsyncClient, workspace: Workspace, node: str) -> AsyncIterator[None]:
    """Keep the node service off a node, and let kubelet forget the driver, as on a node that has just joined."""
    selector = {"kubernetes.io/hostname": node, "kubernetes.io/os": "linux"}
    await asyncio.to_thread(select, workspace, node, {**selector, "e2e/none": "none"})
    for pod in await parts(client, node_part(node)):
        await until_gone(client, Pod, pod, NAMESPACE)
    forget = f"rm -f /var/lib/kubelet/plugins_registry/{DRIVER}-reg.sock"
    await asyncio.to_thread(workspace.docker, "exec", node, "sh", "-c", forget)
    try:
        await until_limit(workspace, node, lambda limit: limit == 0)
        yield
    finally:
        await asyncio.to_thread(select, workspace, node, {**selector, "e2e/none": None})


def select(workspace: Workspace, node: str, selector: dict[str, str | None]) -> None:
    patch = {"spec": {"template": {"spec": {"nodeSelector": selector}}}}
    workspace.kubectl("patch", daemon_set(node), IN, "--type=merge", f"--patch={json.dumps(patch)}")


def scheduler_waits(workspace: Workspace, *, wait: bool) -> None:
    patch = {"spec": {"preventPodSchedulingIfMissing": wait}}
    workspace.kubectl("patch", "csidriver", DRIVER, "--type=merge", f"--patch={json.dumps(patch)}")


async def told(client: AsyncClient, pod: str, key: str) -> None:
    """Wait until the warden has written an annotation on a pod."""
    async with asyncio.timeout(NOTICED_SECONDS):
        async for _, found in client.watch(Pod, namespace=NAMESPACE, fields={"metadata.name": pod}):
            if found.metadata and key in (found.metadata.annotations or {}):
                return


def registered(workspace: Workspace, node: str) -> tuple[str, int]:
    """Return the version of a node's CSINode, and how many volumes of the driver it takes; 0: it knows no driver."""
    found = json.loads(workspace.kubectl("get", "csinode", node, "--output=json"))
    drivers = found["spec"]["drivers"] or []
    counts = [each.get("allocatable", {}).get("count", 0) for each in drivers if each["name"] == DRIVER]
    return str(found["metadata"]["resourceVersion"]), sum(counts)


async def until_limit(workspace: Workspace, node: str, right: Callable[[int], bool]) -> None:
    """Wait until kubelet tells of a limit that is right. Raises TimeoutError."""

    def look() -> bool | None:
        with suppress(ToolFailed):  # a Node that was deleted has no CSINode
            return right(registered(workspace, node)[1]) or None
        return None

    await until(look, REGISTERED_SECONDS)


async def kubelet_registers_again(client: AsyncClient, workspace: Workspace, node: str) -> None:
    """Start kubelet again: it has to find the socket that outlived a rollout."""
    [service] = await parts(client, node_part(node))
    began, since = asyncio.get_running_loop().time(), datetime.now(UTC)
    await asyncio.to_thread(workspace.docker, "exec", node, "systemctl", "restart", "kubelet")
    logs = ("logs", service, IN, "--container=node", f"--since-time={since:%FT%TZ}")

    def look() -> bool | None:
        with suppress(ToolFailed):  # the logs are kubelet's to give
            return '"registered"' in workspace.kubectl(*logs) or None
        return None

    await until(look, REGISTERED_SECONDS)
    tell("registered again after kubelet's restart", began)
