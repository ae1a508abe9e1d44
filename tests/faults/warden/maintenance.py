"""Who maintains nodes: cordons, drains, deletes and limits them, and rolls the node service out."""

import random

from common import chart_labels
from tests.faults.sim.loop import sleep
from tests.faults.warden.checks import LATE_SECONDS, JudgingApiServer, annotation, is_ready, keys
from tests.faults.warden.kubernetes import DRIVER, Kubernetes
from warden.api import NODES, PODS
from warden.rules.objects import Json, at, text

NAMESPACE = "system"
LIMITS = ("7", "12", "none", "300")


class Maintenance:
    """One person, who does one thing after the other."""

    def __init__(self, api: JudgingApiServer, kubernetes: Kubernetes, seed: int) -> None:
        self._api = api
        self._kubernetes = kubernetes
        self._dice = random.Random(f"maintenance {seed}")  # noqa: S311  # the same seed gives the same run
        self.over = False

    async def run(self) -> None:
        """Work until the run is over."""
        while await self._pause(5, 60):
            sound = [name for name, node in self._api.of(NODES).items() if is_ready(node) and not keys(node)]
            if sound:
                await self._do(self._dice.choice(("cordon", "drain", "drain", "delete", "roll out", "limit")), sound)

    async def _do(self, what: str, sound: list[str]) -> None:
        name = self._dice.choice(sound)
        if what == "roll out":
            self.replace_service(name)
        elif what == "limit":
            self._write(name, "metadata", "annotations", {self._api.told.most: self._dice.choice(LIMITS)})
        else:
            self._write(name, "spec", "", {"unschedulable": True})
            if what == "cordon":
                await self._pause(10, 90)
            else:
                await self._drain(name)
            if what == "delete":
                await self.delete(name)
            self._write(name, "spec", "", {"unschedulable": False})

    async def _drain(self, name: str) -> None:
        await self._pause(0.1, 5)
        going = {key: pod for key, pod in self._api.of(PODS).items() if self._is_of(pod, name)}
        for key, pod in going.items():
            self._api.put(PODS, {**pod, "metadata": {"namespace": "apps", "name": key[5:], "deletionTimestamp": "now"}})
        await self._pause(5, 60)
        for key in going:
            found = self._api.of(PODS).get(key)
            if found is not None and at(found, "metadata", "deletionTimestamp") is not None:
                self._api.remove(PODS, key)
        await self._pause(5, 60)

    async def delete(self, name: str) -> None:
        """Delete a Node object, and let its kubelet make another after some minutes."""
        node = self._api.of(NODES).get(name)
        if node is None:
            return
        self._kubernetes.delete_node(name)
        self._api.ours.discard(name)
        await sleep(LATE_SECONDS)
        self._api.gone.add(name)
        await self._pause(70, 470)
        self._api.gone.discard(name)
        self._api.put(
            NODES, {"metadata": {"name": name, "annotations": {"a": "b"}}, "spec": {}, "status": node["status"]}
        )

    def replace_service(self, node: str) -> None:
        """Let a new pod of the node service run on a node, in place of an earlier one."""
        labels = {chart_labels.DRIVER: DRIVER, chart_labels.COMPONENT: "node"}
        name = f"service-{node}"
        if f"{NAMESPACE}/{name}" in self._api.of(PODS):
            self._api.remove(PODS, f"{NAMESPACE}/{name}")
        metadata = {"namespace": NAMESPACE, "name": name, "labels": labels}
        self._api.put(PODS, {"metadata": metadata, "spec": {"nodeName": node}})

    def wrong(self) -> str:
        """Return what a node service was told at the end that is not so; nothing if all is right."""
        for name, node in self._api.of(NODES).items():
            pod = self._api.of(PODS)[f"{NAMESPACE}/service-{name}"]
            if annotation(pod, self._api.told.draining) is not None:
                return f"the node service of {name} still takes its node for drained"
            asked = annotation(node, self._api.told.most)
            if annotation(pod, self._api.told.most) != (asked if asked in LIMITS[:2] else None):
                return f"the node service of {name} was not told of its limit {asked}"
        return ""

    def _is_of(self, pod: Json, name: str) -> bool:
        return at(pod, "started") is not None and text(pod, "spec", "nodeName") == name

    def _write(self, name: str, part: str, below: str, values: dict[str, object]) -> None:
        """Change a Node, if it is there."""
        node = self._api.of(NODES).get(name)
        if node is None:
            return
        before = at(node, part)
        found: dict[str, object] = dict(before) if isinstance(before, dict) else {}
        if below:
            held = found.get(below)
            values = {below: {**(held if isinstance(held, dict) else {}), **values}}
        self._api.put(NODES, {**node, part: {**found, **values}})

    async def _pause(self, least: float, most: float) -> bool:
        await sleep(self._dice.uniform(least, most))
        return not self.over
