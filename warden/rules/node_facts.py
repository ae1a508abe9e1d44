"""What the node service is told of its Node: that it is being drained, and how many volumes it may take.

It is told by annotations of its own pod, which kubelet shows in a file, so that the node needs no credential. A node
that is only cordoned is not being drained: its pods stay, and a rollout must not wait for their volumes.

Sources: Kubernetes "Safely Drain a Node"; Cluster Autoscaler, Karpenter (their taints).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from warden.records import NodeRecord, ServicePod, VolumePod

DRAIN_TAINTS = ("ToBeDeletedByClusterAutoscaler", "karpenter.sh/disrupted", "karpenter.sh/disruption")
CORDONED = "cordoned"
MOST = 256  # volumes of a node: the node service takes no larger number

Changes = Mapping[str, str | None]  # annotations; None: it goes


@dataclass(frozen=True, slots=True)
class FactsPolicy:
    """What is told to the node services of one driver."""

    driver: str
    drain: bool
    max_volumes: bool

    @property
    def draining(self) -> str:
        """The annotation of a pod whose node is being drained."""
        return f"{self.driver}/draining"

    @property
    def most(self) -> str:
        """The annotation, of a Node by an operator, and of the pod, with the number of volumes that the node takes."""
        return f"{self.driver}/max-volumes"


def mark(node: NodeRecord) -> str:
    """Return by what a node is marked for a drain; empty: it is not."""
    if node.unschedulable:
        return CORDONED
    return next((taint.key for taint in node.taints if taint.key in DRAIN_TAINTS), "")


def are_leaving(pods: Iterable[VolumePod], claims: Iterable[str]) -> bool:
    """Tell whether each pod that uses one of the claims is on its way out."""
    used = set(claims)
    return not any(pod.stays and used & set(pod.claims) for pod in pods)


def is_number(text: str) -> bool:
    """Tell whether an operator has written a number of volumes that a node can take."""
    return re.fullmatch(r"[1-9][0-9]{0,2}", text) is not None and int(text) <= MOST


def changes(pod: ServicePod, node: NodeRecord | None, leaving: bool | None, told: FactsPolicy) -> Changes:
    """Return what has to change in the annotations of a node service's pod.

    ``leaving``: whether the volumes of a marked node are on their way out; None: no one knows, or there are none, and
    what was told stays. Of a Node that was deleted the last word stays, too: its volumes still have to leave.
    """
    if node is None:
        return {}
    wanted: dict[str, str | None] = {}
    if told.drain:
        why = mark(node)
        wanted[told.draining] = pod.annotation(told.draining) if why and leaving is None else (leaving and why) or None
    if told.max_volumes:
        asked = node.annotation(told.most)
        wanted[told.most] = asked if asked is not None and is_number(asked) else None
    return {key: value for key, value in wanted.items() if pod.annotation(key) != value}
