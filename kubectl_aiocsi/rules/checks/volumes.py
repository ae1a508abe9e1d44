"""Checks of every claim, volume, attachment, pod and snapshot: what is stuck, sorted by what its messages are about."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from kubectl_aiocsi.records import (
    ATTACHMENTS,
    CLAIMS,
    CLASSES,
    PENDING_PODS,
    SNAPSHOT_CONTENTS,
    SNAPSHOTS,
    VOLUMES,
    Object,
    Snapshot,
)
from kubectl_aiocsi.rules.attachment import attachments_of, is_attached
from kubectl_aiocsi.rules.causes import cause_of, remedy_of
from kubectl_aiocsi.rules.claim import DEFAULT_CLASS, EXPAND, STUCK, claim_link
from kubectl_aiocsi.rules.finding import Finding, describe
from kubectl_aiocsi.rules.link import State, telling
from kubectl_aiocsi.rules.mount import FAILED
from kubectl_aiocsi.rules.pods import used_claims

SLOW = timedelta(minutes=5)


def stuck(snapshot: Snapshot) -> Iterator[Finding]:
    """Return everything that is stuck, by the id of its cause."""
    yield from _claims(snapshot)
    yield from _attachments(snapshot)
    yield from _pods(snapshot)
    yield from _snapshots(snapshot)


def _found(
    snapshot: Snapshot, what: str, said: str, since: datetime | None, otherwise: tuple[str, str]
) -> Iterator[Finding]:
    """Yield what is known by its cause at once, anything else when it has lasted."""
    cause = cause_of(said, "")
    lasted = since is not None and snapshot.now - since > SLOW
    if cause or lasted:
        yield Finding(cause or otherwise[0], what, said, remedy_of(cause) or otherwise[1])


def _claims(snapshot: Snapshot) -> Iterator[Finding]:
    for claim in snapshot.every(CLAIMS):
        link = claim_link(snapshot, claim.namespace, claim.name)
        if link.state is not State.BROKEN or link.cause == "claim-deleting" or not _is_ours(snapshot, claim):
            continue
        since = link.since or claim.created
        if link.cause not in {STUCK, EXPAND} or (since is not None and snapshot.now - since > SLOW):
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
        what, scheduled = f"pod {pod.full_name}", pod.condition("PodScheduled").text("message")
        if cause_of(scheduled, "") == "node-full":
            yield Finding("node-full", what, scheduled, remedy_of("node-full"))
        event = telling([each for each in snapshot.events_of(pod, "Pod") if _is_meant(snapshot, pod, each)])
        if event:
            then = ("mount-stuck", f"kubectl aiocsi why -n {pod.namespace} pod {pod.name}")
            yield from _found(snapshot, what, event.text("message"), pod.created, then)


def _is_meant(snapshot: Snapshot, pod: Object, event: Object) -> bool:
    """Whether an event tells of a mount that failed of a volume that is attached, or of one that is held elsewhere."""
    names = {snapshot.find(CLAIMS, name, pod.namespace).text("spec", "volumeName") for name in used_claims(pod)}
    ours = {name for name in names if snapshot.is_ours(snapshot.find(VOLUMES, name))}
    if "Multi-Attach" in event.text("message"):
        return bool(ours)
    node = pod.text("spec", "nodeName")
    here = {name for name in ours for each in attachments_of(snapshot, name) if is_attached(each, node)}
    return event.text("reason") in FAILED and bool(here)


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
        said = error or "it is not ready, and nothing tells why: does snapshot-controller run?"
        then = ("snapshot-stuck", describe(each, "volumesnapshot"))
        yield from _found(snapshot, f"snapshot {each.full_name}", said, each.created, then)


def released(snapshot: Snapshot) -> Iterator[Finding]:
    """No volume is left over, nor fails to be deleted."""
    for volume in snapshot.every(VOLUMES):
        phase = volume.text("status", "phase")
        if snapshot.is_ours(volume) and phase in {"Released", "Failed"}:
            events = snapshot.events_of(volume, "PersistentVolume")
            told = events[0].text("message") if events else volume.text("status", "message")
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
