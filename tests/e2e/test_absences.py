"""Two minutes without the cloud, or without a node: pods run on, and what had to wait is done afterwards."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from lightkube import AsyncClient
from lightkube.resources.core_v1 import Node, Pod

from tests.e2e import manifests
from tests.e2e.breakages import until_named
from tests.e2e.cluster import cloud, nodes
from tests.e2e.cluster.driver import NAMESPACE
from tests.e2e.cluster.workspace import NODES, Workspace
from tests.e2e.parts import CONTROLLER, node_part, parts, until_all_are_ready
from tests.e2e.place import Place, close_place, open_place
from tools.processes.program import until
from tools.services.embedded_cloud import EmbeddedCloud

CONTROL_PLANE, FIRST, SECOND = NODES
ABSENCE_SECONDS = 120.0
AGAIN_SECONDS = 180.0  # a controller tries again after as long as the absence at the latest
WRITE = "dd if=/dev/urandom of=/data/file bs=1M count=4 2>/dev/null && sync && sha256sum < /data/file"
READ = "sha256sum < /data/file"

pytestmark = [pytest.mark.timeout(900), pytest.mark.asyncio, pytest.mark.alone]


async def test_pods_run_on_while_the_cloud_is_away_and_calls_recover_when_it_is_back(
    place: Place, client: AsyncClient, workspace: Workspace
) -> None:
    for name, node in (("stays", SECOND), ("moves", FIRST)):
        await place.make(manifests.claim(name), manifests.pod(name, name, node=node))
        await place.ready(name)
    moved = await place.sh("moves", WRITE)
    began = datetime.now(UTC)
    async with without_the_cloud(workspace):
        async with absence():
            await place.make(manifests.claim("later"), manifests.pod("waits", "later"))
            await place.event("ProvisioningFailed", "POST /v2/volumes: no connection")
            await until_named(workspace, {"cloud-unreachable"})
            await place.remove(Pod, "moves")
            await place.make(manifests.pod("moved", "moves", node=SECOND))
            written = await place.sh("stays", WRITE)
        refused = [event for event in await place.events() if "rpc error" in event]
    assert {event.split()[1] for event in refused} >= {"ProvisioningFailed:"}
    assert [event for event in refused if "no connection" not in event] == []
    await place.ready("waits", seconds=300)
    await place.ready("moved", seconds=300)
    assert await place.sh("moved", READ) == moved
    assert await place.sh("stays", READ) == written
    outages = [await whole_outage_of(workspace, name, began) for name in await parts(client, CONTROLLER)]
    assert set(outages) - {()} == {("cloud_fails", "cloud_answers_again")}


async def whole_outage_of(workspace: Workspace, controller: str, since: datetime) -> tuple[str, ...]:
    """Return what a controller's log says of the cloud's absence, in order, once the controller has asked again.

    One whose sidecars do not lead does so by itself, less and less often.
    """
    argv = ("logs", controller, f"--namespace={NAMESPACE}", "--container=controller", f"--since-time={since:%FT%TZ}")

    def look() -> tuple[str, ...] | None:
        events = (json.loads(line)["event"] for line in workspace.kubectl(*argv).splitlines() if line.startswith("{"))
        told = tuple(event for event in events if event.startswith("cloud_"))
        return None if told[-1:] == ("cloud_fails",) else told

    return await until(look, AGAIN_SECONDS)


async def test_a_node_that_stands_still_for_two_minutes_keeps_its_pods_and_takes_up_what_waited(
    place: Place, client: AsyncClient, workspace: Workspace, embedded_cloud: EmbeddedCloud
) -> None:
    """Meanwhile another node is filled: the two minutes are there, and either may not disturb the other."""
    await place.make(manifests.claim("data"), manifests.pod("app", "data", node=FIRST))
    before = await place.ready("app")
    written = await place.sh("app", WRITE)
    async with standing_still(workspace, FIRST):
        async with absence():
            await asyncio.gather(
                what_waits_for_the_node(place),
                the_sixteenth_volume_of_a_node_waits_and_holds_nobody_up(client),
            )
        found = await client.get(Node, FIRST)  # its droplet runs: the warden may not taint it, though it is not ready
        taints = (found.spec.taints if found.spec else None) or []
        assert "node.kubernetes.io/out-of-service" not in [taint.key for taint in taints]
    await until_ready_is(client, FIRST, {"True"})
    await place.ready("waits", seconds=300)
    assert await place.sh("app", READ) == written
    assert restarts(await place.ready("app")) == restarts(before)
    droplet = embedded_cloud.droplets[NODES.index(FIRST)].id
    names = {await place.volume_name(claim) for claim in ("data", "later")}
    attached = {str(each["name"]) for each in await embedded_cloud.volumes() if each["droplet_ids"] == [droplet]}
    assert names <= attached
    for labels in (CONTROLLER, node_part(FIRST)):
        await until_all_are_ready(client, labels, seconds=180)


async def what_waits_for_the_node(place: Place) -> None:
    """Give the node that stands still a volume, once the cluster has noticed and the other controller leads."""
    await until_ready_is(place.client, FIRST, {"Unknown", "False"})
    await place.make(manifests.claim("elsewhere"), manifests.pod("elsewhere", "elsewhere", node=CONTROL_PLANE))
    await place.ready("elsewhere")
    await place.make(manifests.claim("later"), manifests.pod("waits", "later", node=FIRST))


async def the_sixteenth_volume_of_a_node_waits_and_holds_nobody_up(client: AsyncClient) -> None:
    """Fill a node to its limit, and free one place of it."""
    place = await open_place(client, f"full-{os.getpid()}")
    try:
        pods = [f"pod-{number}" for number in range(16)]
        for pod in pods:
            await place.make(manifests.claim(pod), manifests.pod(pod, pod, node=SECOND))
        await place.event("FailedScheduling", "max volume count", seconds=300)
        await place.make(manifests.claim("elsewhere"), manifests.pod("elsewhere", "elsewhere", node=CONTROL_PLANE))
        await place.ready("elsewhere")
        async with asyncio.timeout(300):  # a pod has its node once its claim has a volume
            while len(waits := [pod for pod in pods if not await place.scheduled(pod)]) > 1:  # noqa: ASYNC110
                await asyncio.sleep(1)  # noqa: TID251  # nothing tells of many pods at once
        [waiting] = waits
        placed = next(pod for pod in pods if pod != waiting)
        await place.ready(placed, seconds=300)
        await place.remove(Pod, placed)
        await place.ready(waiting, seconds=300)
    finally:
        await close_place(place)


@asynccontextmanager
async def absence() -> AsyncIterator[None]:
    """Let what is inside take ABSENCE_SECONDS at least."""
    end = asyncio.get_running_loop().time() + ABSENCE_SECONDS
    yield
    await asyncio.sleep(end - asyncio.get_running_loop().time())  # noqa: TID251  # an absence has no event to wait for


@asynccontextmanager
async def without_the_cloud(workspace: Workspace) -> AsyncIterator[None]:
    """Stop the cloud; start it again at the end."""
    gateway = await asyncio.to_thread(nodes.gateway, workspace)
    await asyncio.to_thread(cloud.down, workspace)
    try:
        yield
    finally:
        await asyncio.to_thread(cloud.up, workspace, gateway)


@asynccontextmanager
async def standing_still(workspace: Workspace, node: str) -> AsyncIterator[None]:
    """Freeze every process of a node; thaw them at the end."""
    await asyncio.to_thread(workspace.docker, "pause", node)
    try:
        yield
    finally:
        await asyncio.to_thread(workspace.docker, "unpause", node)


async def until_ready_is(client: AsyncClient, node: str, wanted: set[str], seconds: float = 180) -> None:
    """Wait until the node's condition Ready is one of these. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        async for _, found in client.watch(Node, fields={"metadata.name": node}):
            conditions = (found.status.conditions if found.status else None) or []
            if any(condition.type == "Ready" and condition.status in wanted for condition in conditions):
                return


def restarts(pod: Pod) -> tuple[str | None, list[int]]:
    """Return what a restart of a pod would change: its uid, and how often each container was started again."""
    containers = (pod.status.containerStatuses if pod.status else None) or []
    return pod.metadata.uid if pod.metadata else None, [container.restartCount for container in containers]
