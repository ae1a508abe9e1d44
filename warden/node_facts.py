"""Tells the node services what their Nodes say: see ``rules.node_facts``.

It writes while it holds the lease, on the pod that it has seen and on no other of that name. What it writes is judged
again at each look, so a warden that dies in the middle leaves nothing that the next one does not mend.
"""

import asyncio
from collections.abc import Collection

import structlog

from warden.api import PODS, KubeApi, KubeError, Scope, everything
from warden.lease import LeaseHolder
from warden.metrics import WardenMetrics
from warden.records import ServicePod
from warden.rules import node_facts, objects
from warden.rules.node_facts import Changes, FactsPolicy
from warden.view import View

log = structlog.get_logger("node_facts")

TICK_SECONDS = 1.0
SOON_SECONDS, LATER_SECONDS = 1.0, 30.0  # from look to look at a marked node's pods
FRESH_SECONDS = 600.0  # so long after a node was marked its pods are looked at soon: a drain takes its time
LOOKS_AT_ONCE = 5


class NodeFacts:
    """Watches over the pods of the node service."""

    def __init__(self, told: FactsPolicy, view: View, api: KubeApi, lease: LeaseHolder, metrics: WardenMetrics) -> None:
        self._told = told
        self._view = view
        self._api = api
        self._lease = lease
        self._marked: dict[str, float] = {}  # since when each node is marked, loop seconds
        self._looked: dict[str, float] = {}
        metrics.draining.set_function(self._draining)

    async def run(self) -> None:
        """Look at the nodes every second, for ever."""
        while True:
            await asyncio.sleep(TICK_SECONDS)  # noqa: TID251  # two watches and a lease have to agree
            self._observe()
            if self._view.is_current() and self._lease.left() > 0:
                await self._step()

    def _draining(self) -> int:
        return sum(pod.annotation(self._told.draining) is not None for pod in self._view.pods)

    def _observe(self) -> None:
        now = asyncio.get_running_loop().time()
        marked = [node.name for node in self._view.nodes if node_facts.mark(node)] if self._told.drain else []
        self._marked = {name: self._marked.get(name, now) for name in marked}
        self._looked = {name: at for name, at in self._looked.items() if name in self._marked}

    async def _step(self) -> None:
        pods = list(self._view.pods)  # a node has two while one that ended is not removed yet
        leaving = {name: await self._are_leaving(name) for name in self._due({pod.node for pod in pods})}
        for pod in pods:
            node = self._view.nodes.get(pod.node)
            if changes := node_facts.changes(pod, node, leaving.get(pod.node), self._told):
                await self._write(pod, changes)

    def _due(self, served: Collection[str]) -> list[str]:
        """Return the marked nodes with volumes that are to be looked at now, those that wait longest first."""
        now = asyncio.get_running_loop().time()
        due = [
            name
            for name, since in self._marked.items()
            if name in served
            and now >= self._looked.get(name, 0.0) + (SOON_SECONDS if now < since + FRESH_SECONDS else LATER_SECONDS)
        ]
        due.sort(key=lambda name: self._looked.get(name, 0.0))
        return [name for name in due[:LOOKS_AT_ONCE] if self._view.attached_to(name)]

    async def _are_leaving(self, name: str) -> bool | None:
        """Ask for a node's pods, and tell whether those with volumes of ours go; None: no one says."""
        self._looked[name] = asyncio.get_running_loop().time()
        claims = [volume.claim for _, volume in self._view.attached_to(name)]
        used = [f"{claim.namespace}/{claim.name}" for claim in claims if claim is not None]
        try:
            of_node = everything(self._api, PODS, Scope(fields={"spec.nodeName": name}))
            pods = [objects.volume_pod(each) async for each in of_node]  # cut down as they arrive
        except KubeError as error:
            log.warning("pods_not_read", node=name, message=str(error) or type(error).__name__)
            return None
        return node_facts.are_leaving(pods, used)

    async def _write(self, pod: ServicePod, changes: Changes) -> None:
        metadata = {"uid": pod.uid, "annotations": dict(changes)}  # of another pod of that name it is refused
        try:
            async with asyncio.timeout(max(0.0, self._lease.left())):
                await self._api.merge(PODS, pod.name, {"metadata": metadata}, pod.namespace)
        except (KubeError, TimeoutError) as error:
            log.warning("node_not_told", node=pod.node, message=str(error) or type(error).__name__)
        else:
            log.info("node_told", node=pod.node, pod=pod.name, changes=dict(changes))
