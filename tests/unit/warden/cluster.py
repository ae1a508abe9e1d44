"""A small cluster in the fake API server, with a controller that says what its servers do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from prometheus_client.registry import CollectorRegistry

from common.tasks import Tasks
from tests.fakes.api_server import FakeApiServer
from warden.api import ATTACHMENTS, CSI_NODES, EVENTS, LEASES, NODES, PODS, VOLUMES
from warden.events import Recorder
from warden.failover import Failover, Parts
from warden.lease import LeaseHolder, LeaseName
from warden.metrics import WardenMetrics
from warden.records import ServerState
from warden.rules import leases
from warden.rules.failover import Mode, Policy
from warden.rules.objects import Json, each, text
from warden.rules.taints import OUT_OF_SERVICE
from warden.view import View

PROVEN = 60 + 15 + 10  # seconds: not ready for so long, two looks so far apart, and the ticks
KEY = OUT_OF_SERVICE.key
DRIVER = "block.example.com"
NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def node_json(name: str, *, ready: bool = True, changed: str = "t0", **spec: object) -> Json:
    conditions = [{"type": "Ready", "status": "True" if ready else "Unknown", "lastTransitionTime": changed}]
    return {"metadata": {"name": name, "annotations": {"a": "b"}}, "spec": spec, "status": {"conditions": conditions}}


@dataclass
class FakeServers:
    """The cloud's servers, as the controller tells of them."""

    states: dict[str, ServerState] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def look(self, handle: str, server_id: str) -> ServerState:
        self.asked.append(handle)
        return self.states.get(server_id, ServerState.ACTIVE)


@dataclass
class Cluster:
    """Nodes n1, n2 and so on, with one volume and one pod each, on servers 101, 102 and so on."""

    api: FakeApiServer = field(default_factory=FakeApiServer)
    servers: FakeServers = field(default_factory=FakeServers)
    tasks: Tasks = field(default_factory=Tasks)

    def fill(self, nodes: int = 4) -> None:
        for number in range(1, nodes + 1):
            self.api.put(NODES, node_json(f"n{number}"))
            drivers = [{"name": DRIVER, "nodeID": f"10{number}", "allocatable": {"count": 7}}]
            self.api.put(CSI_NODES, {"metadata": {"name": f"n{number}"}, "spec": {"drivers": drivers}})
            self.attach(f"v{number}", f"n{number}")

    def attach(self, volume: str, node: str) -> None:
        claim = {"namespace": "apps", "name": f"claim-{volume}", "uid": f"uid-claim-{volume}"}
        csi = {"driver": DRIVER, "volumeHandle": f"handle-{volume}"}
        spec = {"csi": csi, "claimRef": claim, "capacity": {"storage": "1Gi"}}
        self.api.put(VOLUMES, {"metadata": {"name": volume}, "spec": spec, "status": {"phase": "Bound"}})
        source = {"persistentVolumeName": volume}
        self.api.put(
            ATTACHMENTS,
            {
                "metadata": {"name": f"va-{volume}"},
                "spec": {"attacher": DRIVER, "nodeName": node, "source": source},
                "status": {"attached": True},
            },
        )
        uses = [{"persistentVolumeClaim": {"claimName": f"claim-{volume}"}}]
        metadata = {"namespace": "apps", "name": f"pod-{volume}"}
        self.api.put(PODS, {"metadata": metadata, "spec": {"nodeName": node, "volumes": uses}})

    def warden(self, mode: Mode = Mode.TAINT, me: str = "w1", namespace: str = "", **policy: float) -> "Warden":
        return Warden(self, Policy(DRIVER, mode, **policy), me, namespace)  # type: ignore[arg-type]  # numbers of both kinds

    def lose(self, name: str, state: ServerState = ServerState.OFF, changed: str = "t1") -> None:
        """Let a node's server stop, and the node become not ready."""
        self.servers.states[f"10{name[1:]}"] = state
        self.unready(name, changed)

    def unready(self, name: str, changed: str = "t1", *, ready: bool = False) -> None:
        found = self.api.of(NODES)[name]
        conditions = node_json(name, ready=ready, changed=changed)["status"]
        self.api.put(NODES, {**found, "status": conditions})

    def regain(self, name: str) -> None:
        self.servers.states.pop(f"10{name[1:]}", None)
        self.unready(name, "t2", ready=True)

    def taints(self, name: str) -> list[str]:
        return [text(taint, "key") for taint in each(self.api.of(NODES)[name], "spec", "taints")]

    def annotations(self, name: str) -> Mapping[str, object]:
        found = self.api.of(NODES)[name]["metadata"]
        return found["annotations"] if isinstance(found, dict) else {}

    def events(self) -> list[tuple[str, str, str]]:
        """Return reason, kind and name of each Event."""
        return [
            (text(one, "reason"), text(one, "involvedObject", "kind"), text(one, "involvedObject", "name"))
            for one in self.api.of(EVENTS).values()
        ]

    def holder(self) -> str:
        return next((text(one, "spec", "holderIdentity") for one in self.api.of(LEASES).values()), "")

    def transitions(self) -> int:
        return next(leases.lease(one).transitions for one in self.api.of(LEASES).values())


class Warden:
    """One warden on the cluster."""

    def __init__(self, cluster: Cluster, policy: Policy, me: str, namespace: str) -> None:
        self.tasks = Tasks()
        self.registry = CollectorRegistry()
        self.metrics = WardenMetrics(self.registry)
        self.view = View(cluster.api, DRIVER, namespace)
        self.lease = LeaseHolder(cluster.api, LeaseName("kube-system", f"aiocsi-warden-{DRIVER}", me), self.tasks)
        recorder = Recorder(cluster.api, me, self.metrics, lambda: NOON)
        parts = Parts(self.view, cluster.api, cluster.servers, self.lease, recorder, lambda: NOON)
        self.failover = Failover(policy, parts, self.metrics)

    async def start(self) -> None:
        self.view.start(self.tasks)
        self.tasks.background(self.failover.run(), "failover")
        await self.lease.start()

    async def stop(self) -> None:
        await self.lease.drain(5)
        await self.tasks.close()

    async def kill(self) -> None:
        await self.tasks.close()
