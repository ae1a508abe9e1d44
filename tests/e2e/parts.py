"""The driver's own pods in the cluster."""

import asyncio
from collections.abc import Callable

from lightkube import AsyncClient
from lightkube.models.core_v1 import PodStatus
from lightkube.resources.coordination_v1 import Lease
from lightkube.resources.core_v1 import Pod

from tests.e2e.cluster.driver import NAMESPACE, RELEASE
from tests.e2e.cluster.workspace import NODES

Labels = dict[str, str]

CONTROLLER: Labels = {"app.kubernetes.io/instance": RELEASE, "app.kubernetes.io/component": "controller"}
WARDEN: Labels = {**CONTROLLER, "app.kubernetes.io/component": "warden"}
REPLACED_SECONDS = 180.0
TOKEN_FILE = "/etc/aiocsi/token/access-token"  # noqa: S105  # a path


def node_part(node: str) -> Labels:
    """Return the labels of the node service's pod on a node: each node has a node set of its own."""
    return {"app.kubernetes.io/instance": RELEASE, "app.kubernetes.io/component": f"node-n{NODES.index(node)}"}


async def parts(client: AsyncClient, labels: Labels) -> set[str]:
    """Return the names of the pods with these labels that are not on their way out."""
    return {name for name, _ in await _states(client, labels)}


async def replaced(client: AsyncClient, labels: Labels, gone: set[str], seconds: float = REPLACED_SECONDS) -> None:
    """Wait until pods other than those are there, and ready. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        async for _, pod in client.watch(Pod, namespace=NAMESPACE, labels=dict(labels)):
            if pod.metadata and pod.metadata.name not in gone and _ready(pod.status):
                return


async def kill(client: AsyncClient, labels: Labels) -> set[str]:
    """Take every pod with these labels away at once, in the middle of its calls; return their names."""
    killed = await parts(client, labels)
    for part in killed:
        await client.delete(Pod, part, namespace=NAMESPACE, grace_period=0)
    return killed


async def kill_controllers(client: AsyncClient) -> set[str]:
    """Take every controller's pod away at once; return their names."""
    return await kill(client, CONTROLLER)


async def leader(client: AsyncClient, lease: str) -> str:
    """Return the pod that leads for a sidecar."""
    found = await client.get(Lease, lease, namespace=NAMESPACE)
    return str(found.spec.holderIdentity if found.spec else None)


async def until_none_is_ready(client: AsyncClient, labels: Labels, seconds: float) -> None:
    """Wait until no pod with these labels is ready, whether it leads or not. Raises TimeoutError."""
    await _until(client, labels, seconds, lambda states: not any(states))


async def until_all_are_ready(client: AsyncClient, labels: Labels, seconds: float) -> None:
    """Wait until there are pods with these labels, and all are ready. Raises TimeoutError."""
    await _until(client, labels, seconds, lambda states: bool(states) and all(states))


async def _until(client: AsyncClient, labels: Labels, seconds: float, right: Callable[[list[bool]], bool]) -> None:
    async with asyncio.timeout(seconds):
        async for _ in client.watch(Pod, namespace=NAMESPACE, labels=dict(labels)):
            if right([state for _, state in await _states(client, labels)]):
                return


async def wait_for_token(client: AsyncClient, token: str, seconds: float = 150.0) -> None:
    """Wait until kubelet has brought a new token to every controller. Raises TimeoutError, or lightkube's error."""
    seen = f"import time\nwhile open({TOKEN_FILE!r}).read() != {token!r}: time.sleep(1)"  # the image has no shell
    async with asyncio.timeout(seconds):
        for name in await parts(client, CONTROLLER):
            patch = {"metadata": {"annotations": {"e2e/token": token[:8]}}}  # a change makes kubelet look at the pod
            await client.patch(Pod, name, patch, namespace=NAMESPACE)
            await client.exec(
                name,
                namespace=NAMESPACE,
                container="controller",
                command=["python3", "-c", seen],
                stdout=True,
                timeout=seconds,
            )


async def _states(client: AsyncClient, labels: Labels) -> list[tuple[str, bool]]:
    found = [one async for one in client.list(Pod, namespace=NAMESPACE, labels=dict(labels))]
    return [
        (str(one.metadata.name), _ready(one.status))
        for one in found
        if one.metadata is not None and one.metadata.deletionTimestamp is None
    ]


def _ready(status: PodStatus | None) -> bool:
    conditions = (status.conditions if status else None) or []
    return any(condition.type == "Ready" and condition.status == "True" for condition in conditions)
