"""Whether a node is lost with its volumes, and what may be done about it: from what was seen, without I/O.

A node that is not ready proves nothing: cut off from the API server it goes on writing. The proof is the cloud's word,
twice, that the node's server does not run. Times are seconds of the loop's clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum, auto

from warden.records import NodeRecord, ServerState
from warden.rules import taints

HEARD_SECONDS = 60.0  # longer than Kubernetes takes a node for ready whose kubelet is silent (50 s)
LOOK_AGAIN = 60.0  # seconds from look to look when all is proven
TOGETHER = 2 * LOOK_AGAIN  # what was between two looks that are further apart nobody knows
PARTITION = 3  # with more than one in so many nodes not ready, the network is at fault, and nothing is tainted

LOST = (ServerState.OFF, ServerState.GONE)


class Mode(Enum):
    """What is done about a lost node."""

    OFF = "off"
    REPORT = "report"
    TAINT = "taint"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator allows."""

    driver: str
    mode: Mode = Mode.REPORT
    after_seconds: float = 60.0
    max_nodes: int = 1
    looks_apart: float = 15.0  # seconds at least between the two looks of a proof


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was seen of a node that is not ready; ``state`` is what all looks since ``first_look`` agree on."""

    uid: str
    changed: str
    since: float
    state: ServerState = ServerState.UNTOLD
    first_look: float = 0.0
    last_look: float = float("-inf")


@dataclass(frozen=True, slots=True)
class Census:
    """How the cluster's nodes are."""

    nodes: int
    unready: int
    tainted: int  # by the warden

    @property
    def is_parted(self) -> bool:
        """Whether more nodes are not ready than anything but the network can cause."""
        return self.unready * PARTITION > self.nodes


class Action(Enum):
    """What is to be done about a node."""

    NOTHING = auto()
    REPORT = auto()
    TAINT = auto()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done; ``held_back``: why the node is only reported though the mode is to taint."""

    action: Action
    held_back: str = ""


NOTHING = Verdict(Action.NOTHING)


def census(nodes: Iterable[NodeRecord], driver: str) -> Census:
    """Count the nodes."""
    known = list(nodes)
    claimed = sum(taints.is_claimed(node, driver) and taints.is_out_of_service(node) for node in known)
    return Census(len(known), sum(not node.ready for node in known), claimed)


def seen(before: Sighting | None, node: NodeRecord, now: float) -> Sighting | None:
    """Return what is known of a node that is as told ``now``; None if it is ready.

    A node that was ready meanwhile, or is another one of that name, starts over.
    """
    if node.ready:
        return None
    if before is not None and (before.uid, before.changed) == (node.uid, node.changed):
        return before
    return Sighting(node.uid, node.changed, now)


def looked(before: Sighting, state: ServerState, now: float) -> Sighting:
    """Return what is known after a look that began ``now``; one that proves nothing lets the proof start over.

    So does a pause: another warden led, or the API server was away.
    """
    if state not in LOST:
        return replace(before, state=ServerState.UNTOLD, first_look=0.0, last_look=now)
    if state is not before.state or now > before.last_look + TOGETHER:
        return replace(before, state=state, first_look=now, last_look=now)
    return replace(before, last_look=now)


def is_due(sighting: Sighting, now: float, policy: Policy) -> bool:
    """Tell whether it is time for a look."""
    if now < sighting.since + policy.after_seconds:
        return False
    return now >= sighting.last_look + (LOOK_AGAIN if is_proven(sighting, policy) else policy.looks_apart)


def is_proven(sighting: Sighting, policy: Policy) -> bool:
    """Tell whether the server was seen not to run twice, the looks far enough apart."""
    return sighting.state in LOST and sighting.last_look - sighting.first_look >= policy.looks_apart


def of_lost(node: NodeRecord, sighting: Sighting, nodes: Iterable[NodeRecord], policy: Policy) -> Verdict:
    """Say what to do about one of the nodes, which is not ready, straight after a look at it."""
    if not is_proven(sighting, policy):
        return NOTHING
    if policy.mode is not Mode.TAINT:
        return Verdict(Action.REPORT)
    if taints.is_out_of_service(node):
        return NOTHING
    if held_back := _held_back(node, census(nodes, policy.driver), policy):
        return Verdict(Action.REPORT, held_back)
    return Verdict(Action.TAINT)


def _held_back(node: NodeRecord, counted: Census, policy: Policy) -> str:
    if node.annotation(taints.ignored(policy.driver)) is not None:
        return f"the node has the annotation {taints.ignored(policy.driver)}"
    if taints.is_claimed(node, policy.driver):
        return "the taint that was set before was removed by another client"
    if counted.is_parted:
        return f"{counted.unready} of {counted.nodes} nodes are not ready, as in a network partition"
    if counted.tainted >= policy.max_nodes:
        tainted = "1 node is" if counted.tainted == 1 else f"{counted.tainted} nodes are"
        return f"{tainted} tainted already, and no more may be at once"
    return ""


def has_returned(node: NodeRecord, state: ServerState | None, ready_seconds: float, policy: Policy) -> bool:
    """Tell whether the taint that we set may go.

    ``state`` is what a look showed just now; None if the node has no volume by which to ask. Then a kubelet that has
    kept the node ready for so long is the proof: it runs on that server.
    """
    runs = ready_seconds >= HEARD_SECONDS if state is None else state is ServerState.ACTIVE
    return taints.is_claimed(node, policy.driver) and node.ready and runs
