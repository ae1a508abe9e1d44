"""Checks of every claim, volume, attachment, pod and snapshot: what is stuck, sorted by what its messages are about."""

import re
from collections.abc import Iterator
from datetime import datetime

from kubectl_aiocsi.records import (
    ATTACHMENTS,
    CLAIMS,
    CLASSES,
    PENDING_PODS,
    SNAPSHOT_CONTENTS,
    SNAPSHOTS,
    TERMINATING_PODS,
    VOLUMES,
    Object,
    Snapshot,
)
from kubectl_aiocsi.rules.attachment import attachments_of, is_attached
from kubectl_aiocsi.rules.causes import cause_of, remedy_of
from kubectl_aiocsi.rules.claim import DEFAULT_CLASS, EXPAND, STUCK, claim_link
from kubectl_aiocsi.rules.finding import Finding, describe
from kubectl_aiocsi.rules.lasting import SLOW, has_lasted
from kubectl_aiocsi.rules.link import State, telling
from kubectl_aiocsi.rules.mount import FAILED, TERMINATING, is_about, is_left_over
from kubectl_aiocsi.rules.pods import claims_of, has_started, used_claims
from kubectl_aiocsi.rules.server import look_at_plugin
from kubectl_aiocsi.rules.volume import FAILED as NOT_DELETED
from kubectl_aiocsi.rules.volume import is_being_deleted

MAY_PASS = re.compile(r"code = (Unavailable|Aborted|DeadlineExceeded)\b")  # gRPC: the same call may succeed


def stuck(snapshot: Snapshot) -> Iterator[Finding]:
    """Return everything that is stuck, by the id of its cause."""
    yield from _claims(snapshot)
    yield from _attachments(snapshot)
    yield from _pods(snapshot)
    yield from _snapshots(snapshot)


def _found(
    snapshot: Snapshot, what: str, said: str, since: datetime | None, otherwise: tuple[str, str]
) -> Iterator[Finding]:
    """Yield what is known by its cause at once, or soon if the next try may do it; anything else when it has lasted."""
    cause = cause_of(said, "")
    known = cause and (not MAY_PASS.search(said) or has_lasted(snapshot, since))
    if known or has_lasted(snapshot, since, SLOW):
        yield Finding(cause or otherwise[0], what, said, remedy_of(cause) or otherwise[1])


def _claims(snapshot: Snapshot) -> Iterator[Finding]:
    for claim in snapshot.every(CLAIMS):
        link = claim_link(snapshot, claim.namespace, claim.name)
        if link.state is not State.BROKEN or not _is_ours(snapshot, claim):
            continue
        since = link.since or claim.created
        if link.cause not in {STUCK, EXPAND} or has_lasted(snapshot, since, SLOW):
            yield Finding(link.cause, link.what, link.said, link.next)


def _is_ours(snapshot: Snapshot, claim: Object) -> bool:
    volume = snapshot.find(VOLUMES, claim.text("spec", "volumeName"))
    if volume:
        return snapshot.is_ours(volume)
    if claim.at("spec", "storageClassName") == "":
        return False  # it waits for a volume that somebody makes by hand
    provisioner = snapshot.find(CLASSES, claim.text("spec", "storageClassName")).text("provisioner")
    asked = claim.annotation("volume.kubernetes.io/storage-provisioner")
    return snapshot.driver in {provisioner, asked} or not (provisioner or asked)


def _attachments(snapshot: Snapshot) -> Iterator[Finding]:
    for each in snapshot.every(ATTACHMENTS):
        if each.text("spec", "attacher") != snapshot.driver:
            continue
        attached = each.at("status", "attached") is True
        if attached and each.deleted is None:
            continue
        error = each.text("status", "detachError" if each.deleted else "attachError", "message")
        doing = "detached from" if each.deleted else "attached to"
        said = error or f"it is not {doing} node {each.text('spec', 'nodeName')} yet, and nothing tells why"
        volume = each.text("spec", "source", "persistentVolumeName")
        what, then = f"attachment {each.name} of volume {volume}", f"kubectl aiocsi why pv {volume}"
        yield from _found(snapshot, what, said, each.deleted or each.created, ("va-stuck", then))


def _pods(snapshot: Snapshot) -> Iterator[Finding]:
    for pod in snapshot.every(PENDING_PODS):
        if pod.deleted is not None or not _uses_ours(snapshot, pod):
            continue
        what, scheduled = f"pod {pod.full_name}", pod.condition("PodScheduled")
        if cause_of(scheduled.text("message"), "") == "node-full":
            yield Finding("node-full", what, scheduled.text("message"), remedy_of("node-full"))
        event = telling([each for each in snapshot.events_of(pod, "Pod") if _is_meant(snapshot, pod, each)])
        if event:
            then = ("mount-stuck", f"kubectl aiocsi why -n {pod.namespace} pod {pod.name}")
            since = scheduled.time("lastTransitionTime") or pod.created
            yield from _found(snapshot, what, event.text("message"), since, then)


def _uses_ours(snapshot: Snapshot, pod: Object) -> bool:
    claims = (snapshot.find(CLAIMS, name, pod.namespace) for name in used_claims(pod))
    return any(claim and _is_ours(snapshot, claim) for claim in claims)


def _is_meant(snapshot: Snapshot, pod: Object, event: Object) -> bool:
    """Whether an event tells that a volume of ours is not mounted where it is attached, or is held elsewhere still."""
    claims = {name: snapshot.find(CLAIMS, claim, pod.namespace) for name, claim in claims_of(pod)}
    volumes = {name: claim.text("spec", "volumeName") for name, claim in claims.items()}
    ours = {name: each for name, each in volumes.items() if snapshot.is_ours(snapshot.find(VOLUMES, each))}
    node = pod.text("spec", "nodeName")
    here = {
        name: one for name, one in ours.items() if any(is_attached(va, node) for va in attachments_of(snapshot, one))
    }
    if "Multi-Attach" in event.text("message"):
        wanted = {name: one for name, one in ours.items() if name not in here}
    else:
        wanted = here if event.text("reason") in FAILED and not has_started(pod) else {}
    return bool(wanted) and is_about(event, wanted.values(), wanted.keys())


def terminating(snapshot: Snapshot) -> Iterator[Finding]:
    """No pod is left over because kubelet cannot take its volume off: a mount that is busy, a disk that hangs."""
    for pod in snapshot.every(TERMINATING_PODS):
        if is_left_over(pod) and has_lasted(snapshot, pod.deleted, SLOW) and _uses_ours(snapshot, pod):
            node = pod.text("spec", "nodeName")
            due = pod.text("metadata", "deletionTimestamp")
            said = f"it should have ended at {due}, and kubelet of {node} has it still"
            yield Finding(TERMINATING, f"pod {pod.full_name}", said, look_at_plugin(snapshot, pod))


def _snapshots(snapshot: Snapshot) -> Iterator[Finding]:
    contents = {
        each.text("spec", "volumeSnapshotRef", "uid"): each
        for each in snapshot.every(SNAPSHOT_CONTENTS)
        if each.text("spec", "driver") == snapshot.driver
    }
    for each in snapshot.every(SNAPSHOTS):
        content = contents.get(each.uid)
        claim = snapshot.find(CLAIMS, each.text("spec", "source", "persistentVolumeClaimName"), each.namespace)
        ours = content is not None or (bool(claim) and _is_ours(snapshot, claim))
        if not ours or each.at("status", "readyToUse") is True:
            continue
        error = each.text("status", "error", "message") or (
            content.text("status", "error", "message") if content else ""
        )
        silent = "it is being deleted" if each.deleted else "it is not ready"
        said = error or f"{silent}, and nothing tells why: does snapshot-controller run?"
        then = ("snapshot-stuck", describe(each, "volumesnapshot"))
        yield from _found(snapshot, f"snapshot {each.full_name}", said, each.deleted or each.created, then)


def released(snapshot: Snapshot) -> Iterator[Finding]:
    """No volume is left over, nor fails to be deleted."""
    for volume in snapshot.every(VOLUMES):
        phase = volume.text("status", "phase")
        left = phase in {"Released", "Failed"} and not is_being_deleted(snapshot, volume)
        if snapshot.is_ours(volume) and left:
            events = snapshot.events_of(volume, "PersistentVolume")
            failed = (each.text("message") for each in events if each.text("reason") in NOT_DELETED)
            told = next(failed, volume.text("status", "message"))
            policy = volume.text("spec", "persistentVolumeReclaimPolicy")
            said = f"it is {phase}, its claim is gone; {told or f'its reclaim policy is {policy}, and it costs money'}"
            yield Finding("pv-released", f"volume {volume.name}", said, describe(volume, "pv"))


def default_class(snapshot: Snapshot) -> Iterator[Finding]:
    """At most one StorageClass is the default one."""
    names = [each.name for each in snapshot.every(CLASSES) if each.annotation(DEFAULT_CLASS) == "true"]
    if len(names) > 1:
        said = f"{' and '.join(sorted(names))} are both default: the newest one is taken"
        then = "kubectl annotate storageclass NAME storageclass.kubernetes.io/is-default-class=false --overwrite"
        yield Finding("default-class", "storage classes", said, then)
