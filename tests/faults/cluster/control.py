"""Models of what decides where volumes are attached: the attach/detach controller of Kubernetes 1.37, and its users.

Facts: a volume that one node at a time may use is attached elsewhere only when no other attachment is left. An
attachment that is not wanted goes when kubelet has said that it does not use the volume any more; of a node that is
not healthy, after six minutes even so; of a node that is gone, at once. A pod on a node that does not answer is
replaced elsewhere (a Deployment), and goes itself when kubelet says so, or with its node.
"""

from typing import Protocol

from tests.fakes.host.host import SimHost
from tests.faults.cluster.objects import Attachment, Claim, Pod, Store
from tests.faults.sim.bell import Bell
from tests.faults.sim.loop import sleep
from tests.faults.sim.trace import Trace

LOOK_SECONDS = 0.5
FORCE_SECONDS = 360.0
UNHEALTHY_SECONDS = 40.0


class Around(Protocol):
    """What the controllers ask of the world."""

    store: Store
    bell: Bell
    trace: Trace
    hosts: dict[int, SimHost]

    def now(self) -> float: ...
    def run_pod(self, pod: Pod) -> None: ...  # kubelet takes it up


class AttachDetach:
    """The attach/detach controller."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._unwanted_since: dict[int, float] = {}
        self._unreachable_since: dict[int, float] = {}

    async def run(self) -> None:
        """Reconcile for ever."""
        while True:
            self._watch_hosts()
            for pod in list(self._around.store.pods):
                self._attach(pod)
            for each in list(self._around.store.attachments):
                self._detach(each)
            await sleep(LOOK_SECONDS)

    def _watch_hosts(self) -> None:
        for number, host in self._around.hosts.items():
            if host.reachable:
                self._unreachable_since.pop(number, None)
            else:
                self._unreachable_since.setdefault(number, self._around.now())
            if host.gone:
                self._forget(number)

    def _forget(self, number: int) -> None:
        """A node that is gone takes its pods with it."""
        for pod in self._around.store.pods:
            if pod.host == number and not pod.gone:
                pod.gone, pod.running = True, False
        self._around.hosts[number].in_use.clear()

    def _attach(self, pod: Pod) -> None:
        store = self._around.store
        claim = pod.claim
        if pod.gone or pod.deleting or claim.volume is None or claim.gone or self._around.hosts[pod.host].gone:
            return
        if not store.attachments_of(claim):
            store.attachments.append(Attachment(claim, pod.host))
            self._around.bell.ring()

    def _detach(self, each: Attachment) -> None:
        if each.deleting or self._is_wanted(each):
            self._unwanted_since.pop(id(each), None)
            return
        now = self._around.now()
        since = self._unwanted_since.setdefault(id(each), now)
        host = self._around.hosts[each.host]
        in_use = each.claim.volume_id in host.in_use
        unhealthy = now - self._unreachable_since.get(each.host, now) > UNHEALTHY_SECONDS
        if not in_use or host.gone or (unhealthy and now - since > FORCE_SECONDS):
            each.deleting, each.forced = True, in_use
            self._around.trace.note("kubernetes", f"detach {each.claim.name} from {each.host} forced={each.forced}")
            self._around.bell.ring()

    def _is_wanted(self, each: Attachment) -> bool:
        return any(
            pod.claim is each.claim and pod.host == each.host and not pod.gone and not pod.deleting
            for pod in self._around.store.pods
        )


def move(around: Around, claim: Claim, host: int) -> None:
    """Replace the claim's pod by one on that host."""
    if claim.pod is not None:
        claim.pod.deleting = True
        cut_off = not claim.pod.gone and not around.hosts[claim.pod.host].reachable
        around.trace.count("moves away from a host that is cut off", int(cut_off))
    start(around, claim, host)
    around.trace.count("moves")


def _is_shut(around: Around, claim: Claim, host: int) -> bool:
    """Tell whether a pod of this claim still has to end on a host that has lost the volume or its network.

    Nothing is scheduled to a node that does not answer, and kubelet would go on with the mount that is dead by then.
    """
    left = any(pod.claim is claim and pod.host == host and not pod.gone for pod in around.store.pods)
    return left and not (around.hosts[host].reachable and around.store.attachment(claim, host))


def start(around: Around, claim: Claim, host: int) -> None:
    """Start a pod that uses the claim."""
    usable = [number for number, each in around.hosts.items() if not each.gone and not _is_shut(around, claim, number)]
    if not usable or claim.deleted:
        return
    pod = Pod(claim, host if host in usable else usable[0])
    claim.pod = pod
    around.store.pods.append(pod)
    around.run_pod(pod)
    around.bell.ring()
