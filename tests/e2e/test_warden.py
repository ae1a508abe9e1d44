"""A node is lost with its droplet: the warden proves it, and taints it. Without a warden volumes live as before."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from lightkube import AsyncClient
from lightkube.resources.core_v1 import Event, Node, PersistentVolume, PersistentVolumeClaim, Pod

from tests.e2e import manifests
from tests.e2e.cluster.driver import NAMESPACE
from tests.e2e.cluster.workspace import NODES, Workspace
from tests.e2e.parts import WARDEN, kill, node_part, parts, until_all_are_ready
from tests.e2e.place import Place, until_gone
from tests.e2e.test_absences import READ, WRITE, standing_still, until_ready_is
from tools.services.embedded_cloud import EmbeddedCloud

OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
MOVED_SECONDS = 120.0  # from the loss of power: Kubernetes takes 50 s of them to notice
BACK_SECONDS = 120.0
KILL_SECONDS = 3.0

pytestmark = [pytest.mark.timeout(600), pytest.mark.asyncio, pytest.mark.alone]


async def test_a_pod_of_a_stateful_set_runs_elsewhere_two_minutes_after_its_droplet_was_powered_off(
    place: Place, client: AsyncClient, workspace: Workspace, embedded_cloud: EmbeddedCloud
) -> None:
    await place.make(manifests.stateful_set("db", 1))
    first = await place.ready("db-0")
    node = node_of(first)
    written = await place.sh("db-0", WRITE)
    began = asyncio.get_running_loop().time()
    async with standing_still(workspace, node), powered_off(embedded_cloud, node):
        moved = await another(place, "db-0", first)
        print(f"moved after {asyncio.get_running_loop().time() - began:.0f} s")  # noqa: T201  # for the figures
        assert node_of(moved) != node
        assert await place.sh("db-0", READ) == written
        assert OUT_OF_SERVICE in await taints(client, node)
    await until_ready_is(client, node, {"True"})
    async with asyncio.timeout(BACK_SECONDS):
        async for _, found in client.watch(Node, fields={"metadata.name": node}):
            if OUT_OF_SERVICE not in keys(found):
                break
    await until_all_are_ready(client, node_part(node), seconds=180)
    missing = {"NodeTainted", "NodeTaintRemoved"}
    async with asyncio.timeout(BACK_SECONDS):  # each is written after what it tells of
        async for _, event in client.watch(Event, namespace="default"):
            missing.discard(str(event.reason))
            if not missing:
                break
    assert not missing


@asynccontextmanager
async def wardens_killed(client: AsyncClient, workspace: Workspace) -> AsyncIterator[None]:  # noqa: ARG001
    """Kill all wardens again and again, whatever they are at."""

    async def again() -> None:
        while True:
            await kill(client, WARDEN)
            await asyncio.sleep(KILL_SECONDS)  # noqa: TID251  # a new one has had time to begin, or has not

    async with asyncio.TaskGroup() as group:
        killing = group.create_task(again())
        yield
        killing.cancel()


@asynccontextmanager
async def wardens_absent(client: AsyncClient, workspace: Workspace) -> AsyncIterator[None]:
    """Take all wardens away; bring them back at the end."""
    scale = ("scale", "deployment/aiocsi-warden", f"--namespace={NAMESPACE}")
    gone = await parts(client, WARDEN)
    assert gone
    await asyncio.to_thread(workspace.kubectl, *scale, "--replicas=0")
    try:
        for name in gone:
            await until_gone(client, Pod, name, NAMESPACE)
        yield
        assert await parts(client, WARDEN) == set()
    finally:
        await asyncio.to_thread(workspace.kubectl, *scale, "--replicas=2")


Absence = Callable[[AsyncClient, Workspace], AbstractAsyncContextManager[None]]


@pytest.mark.parametrize("absence", [wardens_killed, wardens_absent])
async def test_without_a_warden_volumes_are_served_as_before(
    place: Place, client: AsyncClient, workspace: Workspace, absence: Absence
) -> None:
    async with absence(client, workspace):
        began = asyncio.get_running_loop().time()
        await place.make(manifests.claim("data"), manifests.pod("app", "data", node=NODES[1]))
        await place.ready("app")
        written = await place.sh("app", WRITE)
        await place.remove(Pod, "app")
        await place.make(manifests.pod("app", "data", node=NODES[2]))
        await place.ready("app")
        assert await place.sh("app", READ) == written
        volume = await place.volume_name("data")
        await place.remove(Pod, "app")
        await place.remove(PersistentVolumeClaim, "data")
        await until_gone(client, PersistentVolume, volume)
        print(f"lived on two nodes in {asyncio.get_running_loop().time() - began:.0f} s")  # noqa: T201
    await until_all_are_ready(client, WARDEN, seconds=180)


async def another(place: Place, pod: str, before: Pod, seconds: float = MOVED_SECONDS) -> Pod:
    """Wait until a pod of the same name runs in place of one. Raises TimeoutError with what the events say."""
    try:
        async with asyncio.timeout(seconds):
            async for _, found in place.client.watch(Pod, namespace=place.namespace, fields={"metadata.name": pod}):
                conditions = (found.status.conditions if found.status else None) or []
                ready = any(each.type == "Ready" and each.status == "True" for each in conditions)
                if ready and found.metadata and before.metadata and found.metadata.uid != before.metadata.uid:
                    return found
    except TimeoutError as error:
        raise TimeoutError(f"{pod} does not run elsewhere:\n" + "\n".join(await place.events())) from error
    raise AssertionError("the watch has ended")


@asynccontextmanager
async def powered_off(cloud: EmbeddedCloud, node: str) -> AsyncIterator[None]:
    """Turn a node's droplet off, and on again at the end."""
    path = f"/v2/droplets/{cloud.droplets[NODES.index(node)].id}/actions"
    await cloud.send("POST", path, {"type": "power_off"})
    try:
        yield
    finally:
        await cloud.send("POST", path, {"type": "power_on"})


async def taints(client: AsyncClient, node: str) -> list[str]:
    return keys(await client.get(Node, node))


def keys(node: Node) -> list[str]:
    """Return the keys of a node's taints."""
    return [taint.key for taint in (node.spec.taints if node.spec else None) or []]


def node_of(pod: Pod) -> str:
    assert pod.spec is not None
    assert pod.spec.nodeName is not None
    return pod.spec.nodeName
