"""The chain from a claim to a mount, for a pod, a claim, a volume or a node; the first broken link is the answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from kubectl_aiocsi.records import ATTACHMENTS, CLAIMS, ENDED, NOTHING, PODS, VOLUMES, Object, Snapshot
from kubectl_aiocsi.rules import link
from kubectl_aiocsi.rules.attachment import attachment_link, attachments_of
from kubectl_aiocsi.rules.claim import claim_link
from kubectl_aiocsi.rules.link import Link, State
from kubectl_aiocsi.rules.mount import mount_links
from kubectl_aiocsi.rules.pods import claims_of, used_claims
from kubectl_aiocsi.rules.server import server_link
from kubectl_aiocsi.rules.volume import volume_link


@dataclass(frozen=True)
class Chain:
    """What one volume of what was asked for rests on, link by link."""

    title: str
    links: tuple[Link, ...]

    @property
    def broken(self) -> Link | None:
        """The first link that does not hold; None if all hold or wait for nothing that is known to be broken."""
        return next((each for each in self.links if each.state is State.BROKEN), None)


def of_pod(snapshot: Snapshot, pod: Object) -> list[Chain]:
    """Return a chain for each volume of a pod that has a claim."""
    return [
        Chain(f"pod {pod.full_name}, volume {name}", _links(snapshot, pod.namespace, claim, pod))
        for name, claim in claims_of(pod)
    ]


def of_claim(snapshot: Snapshot, namespace: str, name: str) -> list[Chain]:
    """Return the chain of a claim, for each pod that uses it; without a pod it ends with the volume."""
    users = [pod for pod in snapshot.every(PODS) if pod.namespace == namespace and name in used_claims(pod)]
    users = [pod for pod in users if pod.text("status", "phase") not in ENDED or pod.deleted is not None]
    return [
        Chain(f"claim {namespace}/{name}, pod {pod.name}", _links(snapshot, namespace, name, pod)) for pod in users
    ] or [Chain(f"claim {namespace}/{name}, used by no pod", _links(snapshot, namespace, name, NOTHING))]


def of_volume(snapshot: Snapshot, name: str) -> list[Chain]:
    """Return the chain of a PersistentVolume: through its claim if it has one."""
    volume = snapshot.find(VOLUMES, name)
    namespace = volume.text("spec", "claimRef", "namespace")
    claim = volume.text("spec", "claimRef", "name")
    if claim and snapshot.find(CLAIMS, claim, namespace):
        return of_claim(snapshot, namespace, claim)
    held = attachments_of(snapshot, name)
    node = held[0].text("spec", "nodeName") if held else ""
    server = server_link(snapshot, node)
    attachment = attachment_link(snapshot, name, node, server)
    rest = (attachment, server) if node else ()
    return [Chain(f"volume {name}, without a claim", (volume_link(snapshot, name), *rest))]


def of_node(snapshot: Snapshot, name: str) -> list[Chain]:
    """Return the chain of a node, and of each volume of ours that is attached to it or shall be."""
    server = server_link(snapshot, name)
    chains = [Chain(f"node {name}", (server,))]
    for each in snapshot.every(ATTACHMENTS):
        volume = each.text("spec", "source", "persistentVolumeName")
        if each.text("spec", "attacher") == snapshot.driver and each.text("spec", "nodeName") == name:
            here = attachment_link(snapshot, volume, name, server)
            chains.append(Chain(f"node {name}, volume {volume}", (volume_link(snapshot, volume), here)))
    return chains


def _links(snapshot: Snapshot, namespace: str, name: str, pod: Object) -> tuple[Link, ...]:
    claim = claim_link(snapshot, namespace, name)
    volume_name = snapshot.find(CLAIMS, name, namespace).text("spec", "volumeName")
    volume = volume_link(snapshot, volume_name)
    if not pod:
        return claim, volume
    node = pod.text("spec", "nodeName")
    server = server_link(snapshot, node) if node else _unscheduled(pod)
    asked = pod.condition("PodScheduled").time("lastTransitionTime") or pod.created
    attachment = attachment_link(snapshot, volume_name, node, server, asked)
    before = [claim, volume, attachment, server]
    return (*before, *mount_links(snapshot, pod, volume_name, before))


def _unscheduled(pod: Object) -> Link:
    scheduled = pod.condition("PodScheduled")
    said = scheduled.text("message")
    if scheduled.text("status") != "False" or not said or "unbound immediate PersistentVolumeClaims" in said:
        return link.waiting("server", "server", "the pod has no node yet")
    by = ("the scheduler, in PodScheduled", scheduled.time("lastTransitionTime"))
    then = ("unscheduled", f"kubectl describe pod -n {pod.namespace} {pod.name}")
    return link.broken("server", "server", said, by, then)


def broken(chains: Sequence[Chain]) -> list[Link]:
    """Return the first broken link of each chain that has one."""
    return [found for chain in chains if (found := chain.broken) is not None]
