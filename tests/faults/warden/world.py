"""One run: two wardens, killed and started again; servers that stop, reboot and vanish; an operator; absences."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from prometheus_client.registry import CollectorRegistry

from common.tasks import Tasks
from tests.faults.sim.loop import Process, sleep
from tests.faults.sim.trace import Broken
from tests.faults.warden.checks import HEALTH_SECONDS, JudgingApiServer, annotation, is_ready, keys, taints_of
from tests.faults.warden.kubernetes import DRIVER, Kubernetes
from tests.faults.warden.maintenance import NAMESPACE, Maintenance
from tests.faults.warden.servers import CHANGING, OFF, ON, Cloud, Server, SimulatedSocket
from warden.api import CLAIMS, CSI_NODES, NODES, VOLUMES
from warden.events import Recorder
from warden.failover import Failover, Parts
from warden.health import ClaimHealth, HealthParts, HealthPolicy
from warden.lease import LeaseHolder, LeaseName
from warden.metrics import WardenMetrics
from warden.node_facts import NodeFacts
from warden.rules.failover import Mode, Policy
from warden.rules.health import shown
from warden.rules.node_facts import FactsPolicy
from warden.rules.objects import Json, at
from warden.rules.taints import OUT_OF_SERVICE, ignored, tainted_by
from warden.view import View

NODE_COUNT = 7
RUN_SECONDS, QUIET_SECONDS = 1800.0, 700.0
ABSENCE_SECONDS, DOOMED = 120.0, 0.3
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
FOREIGN = {"key": "example.com/repair", "value": "", "effect": "NoSchedule"}


class World:
    """Everything of one seed."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311  # the same seed gives the same run
        mode = Mode.REPORT if seed % 10 == 9 else Mode.TAINT
        self.policy = Policy(DRIVER, mode, after_seconds=60.0, max_nodes=1)
        self.cloud = Cloud()
        told = FactsPolicy(DRIVER, drain=True, max_volumes=True)
        self.api = JudgingApiServer(cloud=self.cloud, policy=self.policy, told=told, latency=self._latency)
        self.kubernetes = Kubernetes(self.api, self.cloud)
        self.names = [f"n{number}" for number in range(1, NODE_COUNT + 1)]
        self.rebooted = dict.fromkeys(self.names, float("-inf"))
        self.over = False
        self.absences = Counter[str]()  # those of two minutes
        self.maintenance = Maintenance(self.api, self.kubernetes, seed)

    def _latency(self) -> float:
        return self.dice.choice((0.005, 0.02, 0.1, 0.8, 2.5))

    async def play(self) -> None:
        """Run to the end. Raises Broken."""
        self._fill()
        begin = asyncio.get_running_loop().create_task
        tasks = [begin(work()) for work in self._actors()]
        await sleep(RUN_SECONDS)
        self.over = self.maintenance.over = True
        for name, server in ((name, self.cloud.servers[f"s-{name}"]) for name in self.names):
            server.become(ON)
            self.kubernetes.cut.discard(name)
        for handle in [handle for handle in self.cloud.ill if self.cloud.is_ill(handle)]:
            self.cloud.turn(handle)
        self.cloud.away = self.api.away = False
        await sleep(QUIET_SECONDS)
        self._at_the_end()
        for task in tasks:
            task.cancel()

    def _actors(self) -> list[Callable[[], Coroutine[object, object, None]]]:
        wardens = [lambda me=me: self._warden(me) for me in ("w1", "w2")]
        people = [self._operator, self.maintenance.run]
        return [self.kubernetes.run, self._power, self._absences, self._illness, *people, *wardens, self._judge]

    def _fill(self) -> None:
        for number, name in enumerate(self.names, 1):
            self.cloud.servers[f"s-{name}"] = Server()
            condition = {"type": "Ready", "status": "True", "lastTransitionTime": "at 0"}
            metadata = {"name": name, "annotations": {"a": "b"}}
            self.api.put(NODES, {"metadata": metadata, "spec": {}, "status": {"conditions": [condition]}})
            drivers = [{"name": DRIVER, "nodeID": f"s-{name}", "allocatable": {"count": 7}}]
            self.api.put(CSI_NODES, {"metadata": {"name": name}, "spec": {"drivers": drivers}})
            claim = {"namespace": "apps", "name": f"v{number}", "uid": f"c{number}"}
            csi = {"driver": DRIVER, "volumeHandle": f"handle-v{number}"}
            metadata, status = {"name": f"v{number}"}, {"phase": "Bound"}
            self.api.put(VOLUMES, {"metadata": metadata, "spec": {"csi": csi, "claimRef": claim}, "status": status})
            self.api.put(CLAIMS, {"metadata": claim, "status": status})
            self.kubernetes.start(f"v{number}", name)
            self.maintenance.replace_service(name)

    async def _pause(self, least: float, most: float) -> bool:
        await sleep(self.dice.uniform(least, most))
        return not self.over

    async def _power(self) -> None:
        """Let servers stop for long, reboot quickly, or be cut off while they run."""
        while await self._pause(20, 200):
            name = self.dice.choice(self.names)
            what = self.dice.choice(("stop", "stop", "stop two", "reboot", "cut", "flicker", "rebuild"))
            asyncio.get_running_loop().create_task(self._trouble(name, what))

    async def _trouble(self, name: str, what: str) -> None:
        server, now = self.cloud.servers[f"s-{name}"], asyncio.get_running_loop().time()
        if server.state != ON or now < self.rebooted[name] + 200:
            return
        self.rebooted[name] = now
        if what == "stop two":
            other = self.dice.choice(self.names)
            asyncio.get_running_loop().create_task(self._trouble(other, "stop"))
        if what == "cut":
            self.kubernetes.cut.add(name)
            await self._pause(100, 500)
            self.kubernetes.cut.discard(name)
        elif what == "flicker":  # it is cut off, and reboots when it has not been ready for long
            self.kubernetes.cut.add(name)
            await self._pause(111, 128)
            await self._off(server, 3, 9)
            await self._pause(100, 300)
            self.kubernetes.cut.discard(name)
        elif what == "rebuild":
            self._become(server, CHANGING)
            await self._pause(100, 400)
            self._become(server, ON)
        else:
            await self._off(server, *((5, 40) if what == "reboot" else (150, 700)))
            self.rebooted[name] = asyncio.get_running_loop().time()

    async def _off(self, server: Server, least: float, most: float) -> None:
        self._become(server, OFF)
        await self._pause(least, most)
        self._become(server, ON)

    def _become(self, server: Server, state: str) -> None:
        if not self.over:
            server.become(state)

    async def _absences(self) -> None:
        """Let the API server, the cloud, or both be away, half of the times for two minutes."""
        while await self._pause(30, 300):
            which = self.dice.choice(("api", "cloud", "both", "history", "reply"))
            self.api.away, self.cloud.away = which in {"api", "both"}, which in {"cloud", "both"}
            self.api.lose_reply = which == "reply"
            if which == "history":
                self.api.forget_history()
            self.api.end_watches()
            least = self.dice.choice((10.0, ABSENCE_SECONDS))
            if least == ABSENCE_SECONDS and (self.api.away or self.cloud.away):
                self.absences[f"two minutes without {which}"] += 1
            await self._pause(least, ABSENCE_SECONDS)
            self.api.away = self.cloud.away = False

    async def _illness(self) -> None:
        """Let volumes become ill, and well again."""
        while await self._pause(20, 200):
            handle = f"handle-v{self.dice.randrange(1, NODE_COUNT + 1)}"
            self.cloud.turn(handle)

    async def _operator(self) -> None:
        """Taint and untaint nodes, opt them out, delete and restore Node objects."""
        while await self._pause(2, 25):
            troubled = [name for name, node in self.api.of(NODES).items() if not is_ready(node)]
            name = self.dice.choice(troubled or self.names)
            if (node := self.api.of(NODES).get(name)) is None:
                continue
            self._act(name, node, self.dice.choice(("taint", "taint", "untaint", "repair", "repair", "opt", "delete")))

    def _act(self, name: str, node: dict[str, object], what: str) -> None:
        taint = {"key": OUT_OF_SERVICE.key, "value": OUT_OF_SERVICE.value, "effect": OUT_OF_SERVICE.effect}
        taints = [dict(zip(("key", "value", "effect"), one, strict=True)) for one in taints_of(node)]
        if what == "taint" and self.dice.random() < 0.1 and OUT_OF_SERVICE.key not in keys(node):
            self._retaint(node, [*taints, taint])
            self.api.ours.discard(name)
        elif what == "untaint" and name not in self.api.ours:
            self._retaint(node, [one for one in taints if one["key"] != taint["key"]])
        elif what == "repair":
            others = [one for one in taints if one["key"] != FOREIGN["key"]]
            wanted = others if len(others) < len(taints) else [*taints, FOREIGN]
            self._retaint(node, wanted)
        elif what == "delete" and self.dice.random() < 0.02:
            asyncio.get_running_loop().create_task(self.maintenance.delete(name))

    def _retaint(self, node: Json, taints: list[dict[str, str]]) -> None:
        spec = at(node, "spec")
        self.api.put(NODES, {**node, "spec": {**(spec if isinstance(spec, dict) else {}), "taints": taints}})

    async def _warden(self, me: str) -> None:
        """Run a warden, kill it at any step, start it again."""
        while True:
            process = Process(me)
            if self.dice.random() < DOOMED:
                self.api.doomed.add(process)
            process.start(self._live(me))
            died = asyncio.Event()
            process.on_death(died.set)
            with suppress(TimeoutError):
                await asyncio.wait_for(died.wait(), self.dice.uniform(50, 600))
            if self.over and not process.dead:
                await sleep(QUIET_SECONDS)
                return
            process.die_in(self.dice.randrange(1, 60))
            await self._pause(1, 60)
            process.die()

    async def _live(self, me: str) -> None:
        tasks, metrics = Tasks(), WardenMetrics(CollectorRegistry())
        view = View(self.api, DRIVER, NAMESPACE)
        lease = LeaseHolder(self.api, LeaseName("system", "warden", me), tasks, self._clock)
        recorder = Recorder(self.api, me, metrics, self._clock)
        controller = SimulatedSocket(self.cloud, self.dice)
        parts = Parts(view, self.api, controller, lease, recorder, self._clock)
        view.start(tasks)
        tasks.background(Failover(self.policy, parts, metrics).run(), "failover")
        tasks.background(NodeFacts(self.api.told, view, self.api, lease, metrics).run(), "node facts")
        asked = HealthParts(view, self.api, controller, lease, recorder, self._clock)
        health = ClaimHealth(HealthPolicy(DRIVER, HEALTH_SECONDS, conditions=True), asked, metrics)
        tasks.background(health.run(), "health of claims")
        await lease.start()

    def _clock(self) -> datetime:
        return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())

    async def _judge(self) -> None:
        while True:
            await sleep(1.0)
            if self.api.broken:
                raise Broken(self.api.broken[0])

    def _at_the_end(self) -> None:
        if self.api.broken:
            raise Broken(self.api.broken[0])
        if wrong := self.maintenance.wrong():
            raise Broken(wrong)
        for name, claim in self.api.of(CLAIMS).items():
            if shown(claim):
                raise Broken(f"{name} is well, and its status shows {shown(claim)}")
        for name, node in self.api.of(NODES).items():
            if annotation(node, tainted_by(DRIVER)) is not None:
                raise Broken(f"{name} runs, and keeps the annotation of the warden")
            if name in self.api.ours and OUT_OF_SERVICE.key in keys(node):
                raise Broken(f"{name} runs, and keeps the taint of the warden")
            if annotation(node, ignored(DRIVER)) is not None:
                raise Broken(f"{name} was opted out by the warden")
