"""The API server of a run, which judges each patch of a Node by what the world really is."""

import asyncio
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass, field

from tests.fakes.api_server import FakeApiServer, patched
from tests.faults.sim.loop import Process, current
from tests.faults.sim.trace import Broken
from tests.faults.warden.servers import ILL, Cloud
from warden.api import EVENTS, NODES, PODS, KubeError, ResourceKind
from warden.rules.failover import PARTITION, Mode, Policy
from warden.rules.node_facts import FactsPolicy
from warden.rules.objects import Json, at, each, name_of, text
from warden.rules.taints import OUT_OF_SERVICE

HEALTH_SECONDS = 20.0  # from list to list
LATE_SECONDS = 30.0  # a look, a list and a patch may take so long: what changes meanwhile nobody can see
ROUNDING = 0.01

Taints = list[tuple[str, str, str]]


@dataclass
class JudgingApiServer(FakeApiServer):
    """An API server that raises Broken in whoever breaks a rule."""

    cloud: Cloud = field(default_factory=Cloud)
    policy: Policy = field(default_factory=lambda: Policy(""))
    unready_since: dict[str, float] = field(default_factory=dict)
    ours: set[str] = field(default_factory=set)  # nodes whose taint a warden has set
    told: FactsPolicy = field(default_factory=lambda: FactsPolicy("", drain=True, max_volumes=True))
    gone: set[str] = field(default_factory=set)  # nodes whose object was deleted for so long that everybody has seen it
    broken: list[str] = field(default_factory=list)
    said_ill: dict[str, float] = field(default_factory=dict)  # when an Event told last that a volume is ill
    doomed: set[Process] = field(default_factory=set)  # wardens that die in the middle of their next patch of a Node
    unanswered: int = 0  # patches of Nodes whose warden was gone, or led no more, before the answer

    async def create(self, kind: ResourceKind, json: Json) -> Json:
        """Make an object, and judge an Event of a volume's health."""
        try:
            return await super().create(kind, json)
        finally:
            if kind == EVENTS and self.of(EVENTS).get(name_of(json), {}).get("lastTimestamp") == json["lastTimestamp"]:
                self._judge_event(json)

    async def _merge_event(self, name: str, json: Json, namespace: str) -> Json:
        try:
            return await super().merge(EVENTS, name, json, namespace)
        finally:
            self._judge_event(self.of(EVENTS).get(f"{namespace}/{name}", {}))

    def _judge_event(self, event: Json) -> None:
        now, volume = asyncio.get_running_loop().time(), text(event, "involvedObject", "name")
        handle, said = f"handle-{volume}", f"{text(event, 'reason')} {text(event, 'message')}"
        if ILL not in said:
            return
        if text(event, "reason") == "VolumeRecovered":
            if self.cloud.is_the_same(handle, now - LATE_SECONDS - 2 * HEALTH_SECONDS):
                self._say(f"{volume} was said to be well, and is ill all the time")
            return
        if not self.cloud.was_ill(handle, now - LATE_SECONDS - HEALTH_SECONDS):
            self._say(f"{volume} was said to be ill, and is well")
        if volume in self.said_ill and self.cloud.is_the_same(handle, self.said_ill[volume]):
            self._say(f"{volume} was said to be ill twice")
        self.said_ill[volume] = now

    async def patch(self, kind: ResourceKind, name: str, steps: Sequence[Json], namespace: str = "") -> Json:
        """Apply a warden's patch. One that is under way takes effect also if its warden dies, or gives it up."""
        if kind != NODES:
            return await super().patch(kind, name, steps, namespace)
        self.unanswered += 1
        if (warden := current()) in self.doomed and warden is not None:
            warden.die_in(1)
        work = asyncio.get_running_loop().create_task(self._patch_node(name, steps), context=Context())
        try:
            reply = await asyncio.shield(work)
        except KubeError:
            self.unanswered -= 1
            raise
        self.unanswered -= 1
        return reply

    async def _patch_node(self, name: str, steps: Sequence[Json]) -> Json:
        """Apply a patch, and judge what it has changed."""
        await self._arrive("patch", NODES)
        found = self._find(NODES, name, "")
        before = taints_of(found)
        made = self.put(NODES, patched(found, steps))
        self._judge(name, before, taints_of(made))
        return self._reply(made)

    async def merge(self, kind: ResourceKind, name: str, json: Json, namespace: str = "") -> Json:
        """Apply what a warden tells a node service, or counts on an Event, and judge it."""
        if kind == EVENTS:
            return await self._merge_event(name, json, namespace)
        if kind != PODS:
            return await super().merge(kind, name, json, namespace)
        node = text(self._find(kind, name, namespace), "spec", "nodeName")
        reply = await super().merge(kind, name, json, namespace)
        annotations = at(json, "metadata", "annotations")
        if isinstance(annotations, dict) and self.told.draining in annotations:
            self._judge_told(node, annotations[self.told.draining])
        return reply

    def _judge_told(self, name: str, word: object) -> None:
        found = self.of(NODES).get(name)
        if word is None and found is None and name in self.gone:
            self._say(f"the node service of {name} forgot that it is drained when the Node object was deleted")
        since = asyncio.get_running_loop().time() - LATE_SECONDS
        stay = [
            key for key, pod in self.of(PODS).items() if text(pod, "spec", "nodeName") == name and stays(pod, since)
        ]
        if word is not None and found is not None and stay:
            self._say(f"the node service of {name} was told of a drain though {stay} stay")

    def _judge(self, name: str, before: Taints, after: Taints) -> None:
        foreign = [taint for taint in before if taint[0] != OUT_OF_SERVICE.key or name not in self.ours]
        if missing := [taint for taint in foreign if taint not in after]:
            self._say(f"a warden took the taint {missing[0][0]} of somebody else off {name}")
        added = [taint for taint in after if taint not in before]
        if added:
            self.ours.add(name)
            self._judge_taint(name)
        elif name in self.ours and OUT_OF_SERVICE.key not in [key for key, _, _ in after]:
            self.ours.discard(name)

    def _judge_taint(self, name: str) -> None:
        now = asyncio.get_running_loop().time()
        server = self.cloud.servers[f"s-{name}"]
        stopped = [
            (since, end)
            for since, end in server.stopped(now)
            if end >= now - LATE_SECONDS and end - since >= self.policy.looks_apart - ROUNDING
        ]
        if self.policy.mode is not Mode.TAINT:
            self._say(f"{name} was tainted in mode {self.policy.mode.value}")
        if not stopped:
            self._say(f"{name} was tainted though its server was {server.states[-3:]}")
        if now < self.unready_since.get(name, now) + self.policy.after_seconds - ROUNDING:
            self._say(f"{name} was tainted {now - self.unready_since.get(name, now):.0f} s after it was not ready")
        long = {one for one, since in self.unready_since.items() if since < now - LATE_SECONDS or one == name}
        unready = [one for one, found in self.of(NODES).items() if one in long and not is_ready(found)]
        if len(unready) * PARTITION > len(self.of(NODES)):
            self._say(f"{name} was tainted in a partition: {unready} are not ready")
        tainted = [one for one in self.ours if OUT_OF_SERVICE.key in keys(self.of(NODES).get(one, {}))]
        if len(tainted) > self.policy.max_nodes:
            self._say(f"tainted at once: {sorted(tainted)}")

    def _say(self, what: str) -> None:
        self.broken.append(what)
        raise Broken(what)


def stays(pod: Json, since: float) -> bool:
    """Tell whether a pod with a volume, which runs since then or longer, is not on its way out."""
    started = at(pod, "started")
    return isinstance(started, float) and started <= since and at(pod, "metadata", "deletionTimestamp") is None


def is_ready(node: Json) -> bool:
    """Tell whether a Node is ready."""
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in each(node, "status", "conditions"))


def taints_of(node: Json) -> Taints:
    """Return the taints of a Node."""
    return [(text(one, "key"), text(one, "value"), text(one, "effect")) for one in each(node, "spec", "taints")]


def keys(node: Json) -> list[str]:
    """Return the keys of a Node's taints."""
    return [key for key, _, _ in taints_of(node)]


def annotation(node: Json, key: str) -> object:
    """Return an annotation of a Node."""
    return at(node, "metadata", "annotations", key)
