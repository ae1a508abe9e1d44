"""What Kubernetes itself does about nodes: conditions, the garbage collection of pods, attaching and detaching.

Sources: Kubernetes 1.37, pkg/controller/nodelifecycle (50 s), podgc (20 s, out-of-service), volume/attachdetach
(out-of-service at once, a node that is gone after 6 minutes), statefulset.
"""

import asyncio

from tests.faults.sim.loop import sleep
from tests.faults.warden.checks import JudgingApiServer, is_ready, keys
from tests.faults.warden.servers import ON, Cloud
from warden.api import ATTACHMENTS, NODES, PODS
from warden.rules.objects import at, text
from warden.rules.taints import OUT_OF_SERVICE

GRACE_SECONDS = 50.0
COLLECT_SECONDS = 20.0
FORCE_SECONDS = 360.0
DRIVER = "block.example.com"


class Kubernetes:
    """The controllers of the control plane and the kubelets. ``cut`` are nodes that do not reach the API server."""

    def __init__(self, api: JudgingApiServer, cloud: Cloud) -> None:
        self._api = api
        self._cloud = cloud
        self.cut: set[str] = set()
        self._heard: dict[str, float] = {}
        self._gone: dict[str, float] = {}
        self.six_minutes = 0

    async def run(self) -> None:
        """Work until the run ends."""
        turn = 0
        while True:
            await sleep(2.0)
            turn += 1
            self._conditions()
            if turn % int(COLLECT_SECONDS / 2) == 0:
                self._collect()
            self._detach()
            self._pods()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _conditions(self) -> None:
        for name, node in list(self._api.of(NODES).items()):
            if self._cloud.servers[f"s-{name}"].state == ON and name not in self.cut:
                self._heard[name] = self._now()
            ready = self._now() - self._heard.get(name, 0.0) < GRACE_SECONDS
            if ready is not is_ready(node):
                changed = f"at {self._now():.0f}"
                condition = {
                    "type": "Ready",
                    "status": "True" if ready else "Unknown",
                    "lastTransitionTime": changed,
                }
                self._api.put(NODES, {**node, "status": {"conditions": [condition]}})
                if ready:
                    self._api.unready_since.pop(name, None)
                else:
                    self._api.unready_since[name] = self._now()

    def _collect(self) -> None:
        """Delete the pods of nodes that are not ready and out of service, and of nodes that do not exist."""
        for key, pod in list(self._api.of(PODS).items()):
            if at(pod, "started") is None:
                continue  # of the node service: it is there whatever the node
            node = self._api.of(NODES).get(text(pod, "spec", "nodeName"))
            if node is None or (not is_ready(node) and OUT_OF_SERVICE.key in keys(node)):
                self._api.remove(PODS, key)

    def _detach(self) -> None:
        for key, found in list(self._api.of(ATTACHMENTS).items()):
            name, volume = text(found, "spec", "nodeName"), text(found, "spec", "source", "persistentVolumeName")
            pods = [pod for pod in self._api.of(PODS).values() if text(pod, "spec", "nodeName") == name]
            used = volume in map(key_of, pods)
            if not used and self._may_detach(name):
                self._api.remove(ATTACHMENTS, key)
                self._cloud.holders.pop(f"handle-{volume}", None)

    def _may_detach(self, name: str) -> bool:
        node = self._api.of(NODES).get(name)
        if node is not None:
            self._gone.pop(name, None)
            return is_ready(node) or OUT_OF_SERVICE.key in keys(node)
        since = self._gone.setdefault(name, self._now())
        late = self._now() - since >= FORCE_SECONDS
        self.six_minutes += late
        return late

    def _pods(self) -> None:
        """Start each pod that is nowhere on a node that is ready and not tainted, if its volume is free."""
        running = {key_of(pod) for pod in self._api.of(PODS).values()}
        homes = [name for name, node in self._api.of(NODES).items() if is_ready(node) and not keys(node)]
        homes = [name for name in homes if not at(self._api.of(NODES)[name], "spec", "unschedulable")]
        held = {text(one, "spec", "source", "persistentVolumeName") for one in self._api.of(ATTACHMENTS).values()}
        volumes = [f"v{number}" for number in range(1, len(self._cloud.servers) + 1)]
        for place, volume in enumerate(each for each in volumes if each not in running and each not in held):
            if homes:
                self.start(volume, homes[place % len(homes)])

    def start(self, volume: str, node: str) -> None:
        """Attach a volume and start its pod."""
        source = {"persistentVolumeName": volume}
        spec = {"attacher": DRIVER, "nodeName": node, "source": source}
        attachment = {"metadata": {"name": f"va-{volume}"}, "spec": spec, "status": {"attached": True}}
        self._api.put(ATTACHMENTS, attachment)
        self._cloud.holders[f"handle-{volume}"] = f"s-{node}"
        uses = [{"persistentVolumeClaim": {"claimName": volume}}]
        metadata = {"namespace": "apps", "name": f"pod-{volume}"}
        pod = {"nodeName": node, "volumes": uses}
        self._api.put(PODS, {"metadata": metadata, "spec": pod, "started": self._now()})

    def delete_node(self, name: str) -> None:
        """Delete a Node object; its server may live on."""
        self._api.remove(NODES, name)


def key_of(pod: object) -> str:
    """Return the volume of a pod."""
    return text(pod, "metadata", "name").removeprefix("pod-")
