"""Node-lost failover: finds nodes whose server does not run, tells of them, and taints them if that is allowed.

It acts only while it holds the lease and watches the cluster, and straight after a look at the cloud. Each patch is
refused by the API server if the Node has changed in any way since it was seen.
"""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from warden.api import CONFLICT, NODES, NOT_FOUND, PODS, KubeApi, KubeError, Scope, everything
from warden.controller import AskedController
from warden.events import Reason, Recorder
from warden.lease import LeaseHolder
from warden.metrics import WardenMetrics
from warden.records import NodeRecord, Reference, ServerState
from warden.rules import failover, objects, taints, words
from warden.rules.failover import Action, Policy, Sighting
from warden.rules.taints import Patch
from warden.view import View

log = structlog.get_logger("failover")

TICK_SECONDS = 2.0
LOOKS_AT_ONCE = 5  # nodes in one tick: each costs up to three requests to the cloud
VOLUMES_ASKED = 3  # until one of them says something of the server
TELL_AGAIN_SECONDS = 1800.0  # an Event lives for an hour
EVENTS_AT_ONCE = 100  # for one node
INVALID = 422  # how a JSON patch is refused whose test fails


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Parts:
    """What it asks, and through what it acts."""

    view: View
    api: KubeApi
    controller: AskedController
    lease: LeaseHolder
    recorder: Recorder
    clock: Callable[[], datetime] = _utc_now


class Failover:
    """Watches over the nodes that hold volumes of the driver."""

    def __init__(self, policy: Policy, parts: Parts, metrics: WardenMetrics) -> None:
        self._policy = policy
        self._view, self._api, self._controller = parts.view, parts.api, parts.controller
        self._lease, self._recorder, self._clock = parts.lease, parts.recorder, parts.clock
        self._metrics = metrics
        self._sightings: dict[str, Sighting] = {}
        self._ready: dict[str, tuple[str, float]] = {}  # nodes with our annotation: last change, and when seen
        self._returned_looks: dict[str, float] = {}  # when they are looked at next
        self._orphans: set[str] = set()  # attachments of which was told
        self._told: dict[tuple[str, ServerState, str], tuple[float, datetime]] = {}

    async def run(self) -> None:
        """Look at the cluster every few seconds, for ever."""
        while True:
            await asyncio.sleep(TICK_SECONDS)  # noqa: TID251  # what is judged is how long something has lasted
            self._observe()
            if self._view.is_current() and self._lease.left() > 0:
                await self._step()

    def _observe(self) -> None:
        """Take note of which nodes are not ready, also while another warden leads."""
        now = asyncio.get_running_loop().time()
        seen = {node.name: failover.seen(self._sightings.get(node.name), node, now) for node in self._view.nodes}
        self._sightings = {name: sighting for name, sighting in seen.items() if sighting is not None}
        self._told = {key: told for key, told in self._told.items() if key[0] in self._sightings}
        ready = [node for node in self._view.nodes if node.ready and taints.is_claimed(node, self._policy.driver)]
        before = self._ready
        self._ready = {
            each.name: known if (known := before.get(each.name, ("", now)))[0] == each.changed else (each.changed, now)
            for each in ready
        }
        for state in failover.LOST:
            lost = sum(
                each.state is state and failover.is_proven(each, self._policy) for each in self._sightings.values()
            )
            self._metrics.lost.labels(state.value).set(lost)

    async def _step(self) -> None:
        now = asyncio.get_running_loop().time()
        due = [name for name, each in self._sightings.items() if failover.is_due(each, now, self._policy)]
        holding = [name for name in due if self._view.attached_to(name)]
        holding.sort(key=lambda name: self._sightings[name].last_look)
        for name in holding[:LOOKS_AT_ONCE]:
            await self._judge_lost(name)
        await self._judge_deleted()
        claimed = {each.name: each for each in self._view.nodes if taints.is_claimed(each, self._policy.driver)}
        self._returned_looks = {name: due for name, due in self._returned_looks.items() if name in claimed}
        for node in [each for each in claimed.values() if each.ready]:
            await self._judge_returned(node)

    async def _judge_lost(self, name: str) -> None:
        now = asyncio.get_running_loop().time()
        state = await self._look(name)
        node, sighting = self._view.nodes.get(name), self._sightings.get(name)
        if node is None or sighting is None or failover.seen(sighting, node, now) is not sighting:
            return  # it has changed while the cloud was asked
        self._sightings[name] = sighting = failover.looked(sighting, state, now)
        verdict = failover.of_lost(node, sighting, self._view.nodes, self._policy)
        if verdict.action is Action.TAINT:
            await self._taint(name, sighting)
        elif verdict.action is Action.REPORT:
            await self._report(node, sighting, verdict.held_back)

    async def _taint(self, name: str, sighting: Sighting) -> None:
        """Taint a node, if the API server says the same of all nodes as the watch: that may be a moment behind."""
        try:
            async with asyncio.timeout(max(0.0, self._lease.left())):
                nodes = [objects.node(each, self._policy.driver) async for each in everything(self._api, NODES)]
        except (KubeError, TimeoutError) as error:
            log.warning("nodes_not_read", message=str(error) or type(error).__name__)
            return
        node = next((each for each in nodes if each.name == name), None)
        if node is None or failover.seen(sighting, node, 0.0) is not sighting:
            return
        verdict = failover.of_lost(node, sighting, nodes, self._policy)
        if verdict.action is Action.TAINT and await self._patch(
            node, taints.set_out_of_service(node, self._policy.driver), "tainted"
        ):
            await self._tell(node, Reason.NODE_TAINTED, words.tainted_node(self._where(name)))

    async def _report(self, node: NodeRecord, sighting: Sighting, held_back: str) -> None:
        """Tell of a lost node, once, and again when the Events about it have run out."""
        now, key = asyncio.get_running_loop().time(), (node.name, sighting.state, held_back)
        last, since = self._told.get(key, (float("-inf"), self._clock()))
        if now - last < TELL_AGAIN_SECONDS:
            return
        self._told[key] = now, since
        self._metrics.failovers.labels("held-back" if held_back else "reported").inc()
        text = words.lost_node(self._where(node.name), sighting.state, since, held_back)
        await self._tell(node, Reason.NODE_OFF, text)

    def _where(self, name: str) -> words.Where:
        return words.Where(name, self._server(name), len(self._view.attached_to(name)))

    async def _tell(self, node: NodeRecord, reason: Reason, text: str) -> None:
        """Write an Event about the node, its volumes' claims, and the pods on it that use those."""
        volumes = [volume for _, volume in self._view.attached_to(node.name)]
        claims = {f"{each.claim.namespace}/{each.claim.name}": each.claim for each in volumes if each.claim is not None}
        about = [reference(node), *claims.values(), *await self._users(node.name, claims)]
        log.warning("node_lost", node=node.name, message=text)
        for each in about[:EVENTS_AT_ONCE]:
            await self._recorder.tell(each, reason, text)

    async def _users(self, name: str, claims: Collection[str]) -> list[Reference]:
        """Return the pods of a node that use one of the claims."""
        on_node = Scope(fields={"spec.nodeName": name})
        try:
            pods = [each async for each in everything(self._api, PODS, on_node)]
        except KubeError as error:
            log.warning("pods_not_read", node=name, message=str(error) or type(error).__name__)
            return []
        return [objects.pod(each) for each in pods if any(claim in claims for claim in objects.claims_of(each))]

    async def _judge_deleted(self) -> None:
        """Tell of volumes whose Node object was deleted while they were attached."""
        orphans = {each.name: each for each in self._view.attachments if self._view.nodes.get(each.node) is None}
        self._orphans &= orphans.keys()
        new = [each for name, each in orphans.items() if name not in self._orphans]
        for each in new[:LOOKS_AT_ONCE]:
            volume = self._view.volumes.get(each.volume)
            if volume is not None and volume.claim is not None and await self._is_deleted(each.node):
                self._orphans.add(each.name)
                await self._recorder.tell(volume.claim, Reason.NODE_GONE, words.deleted_node(each.node, volume.name))

    async def _is_deleted(self, name: str) -> bool:
        """Ask the API server itself: the watch of Nodes may be behind that of attachments."""
        try:
            await self._api.get(NODES, name)
        except KubeError as error:
            return error.code == NOT_FOUND
        return False

    async def _judge_returned(self, node: NodeRecord) -> None:
        """Take our taint off a node that is ready again, and whose server runs."""
        now = asyncio.get_running_loop().time()
        if now < self._returned_looks.get(node.name, now):
            return
        self._returned_looks[node.name] = now + self._policy.looks_apart
        state = await self._look(node.name) if self._view.attached_to(node.name) else None
        ready_seconds = now - self._ready.get(node.name, ("", now))[1]
        if not failover.has_returned(node, state, ready_seconds, self._policy):
            return
        if await self._patch(node, taints.clear_out_of_service(node, self._policy.driver), "cleared"):
            await self._recorder.tell(reference(node), Reason.NODE_CLEARED, words.cleared_node(node.name))

    async def _look(self, name: str) -> ServerState:
        """Ask how the node's server is, by the volumes that are attached to it."""
        server = self._server(name)
        state = ServerState.UNTOLD
        for _, volume in self._view.attached_to(name)[:VOLUMES_ASKED]:
            state = await self._controller.look(volume.handle, server) if server else state
            if state is not ServerState.UNTOLD:
                break
        log.info("looked", node=name, server=server, state=state.value)
        return state

    def _server(self, name: str) -> str:
        registered = self._view.csi_nodes.get(name)
        return registered.server_id if registered is not None else ""

    async def _patch(self, node: NodeRecord, steps: Patch, result: str) -> bool:
        """Patch the Node within the lease; tell whether it was done."""
        try:
            async with asyncio.timeout(max(0.0, self._lease.left())):
                await self._api.patch(NODES, node.name, steps)
        except (KubeError, TimeoutError) as error:
            conflict = isinstance(error, KubeError) and error.code in {CONFLICT, INVALID}
            log.warning("node_not_patched", node=node.name, wanted=result, message=str(error) or type(error).__name__)
            self._metrics.failovers.labels("conflict" if conflict else "failed").inc()
            return False
        log.warning("node_patched", outcome=result, node=node.name)
        self._metrics.failovers.labels(result).inc()
        return True


def reference(node: NodeRecord) -> Reference:
    """Return what an Event says of a Node."""
    return Reference("v1", "Node", "", node.name, node.uid)
