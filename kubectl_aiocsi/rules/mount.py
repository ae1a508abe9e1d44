"""The last two links: the device on the node, and the mount in the pod, as kubelet tells of them."""

import re
from collections.abc import Collection

from kubectl_aiocsi.records import CLAIMS, ENDED, NOTHING, Object, Snapshot
from kubectl_aiocsi.rules import link
from kubectl_aiocsi.rules.lasting import has_lasted
from kubectl_aiocsi.rules.link import Link, State
from kubectl_aiocsi.rules.pods import claims_of, has_started
from kubectl_aiocsi.rules.server import look_at_plugin

FAILED = {"FailedMount", "FailedMapVolume", "VolumeResizeFailed", "FileSystemResizeFailed"}
ON_DEVICE = ("MountVolume.MountDevice", "MapVolume.SetUpDevice", "MountVolume.WaitForAttach")
STUCK, TERMINATING = "mount-stuck", "pod-terminating"
ONE, SEVERAL = re.compile(r'for volume "([^"]+)"'), re.compile(r"unmounted volumes=\[([^\]]*)\]")


def mount_links(snapshot: Snapshot, pod: Object, volume: str, before: list[Link]) -> tuple[Link, Link]:
    """Judge the device and the mount of a PersistentVolume in a pod, after the links before them."""
    where = pod.text("spec", "nodeName") or "no node yet"
    device, mount = f"device of {volume or 'no volume yet'}", f"mount in pod {pod.full_name}"
    if any(each.state is not State.OK for each in before):
        told = "a link before it does not hold"
        return link.waiting("device", device, told), link.waiting("mount", mount, told)
    if ill := _unhealthy(snapshot, pod, volume):
        return _of_health(device, ill), link.waiting("mount", mount, "the device")
    event = _failure(snapshot, pod, volume)
    if not event:
        return link.ok("device", device, f"on {where}"), _of_pod(snapshot, pod, mount)
    then = f"kubectl describe pod -n {pod.namespace} {pod.name}"
    if any(words in event.text("message") for words in ON_DEVICE):
        return link.from_event("device", device, event, (STUCK, then)), link.waiting("mount", mount, "the device")
    return link.ok("device", device, f"on {where}"), link.from_event("mount", mount, event, (STUCK, then))


def is_about(event: Object, volumes: Collection[str], names: Collection[str]) -> bool:
    """Whether an event is about one of these PersistentVolumes, which have these names in the pod, or names none."""
    said = event.text("message")
    if one := ONE.search(said):
        return one[1] in volumes
    several = SEVERAL.search(said)
    return several is None or bool({*several[1].split()} & {*names})


def is_left_over(pod: Object) -> bool:
    """Whether a pod is to end, and kubelet has it still: it has not taken all off that the pod had."""
    has_let_go = pod.number("metadata", "deletionGracePeriodSeconds") == 0 and pod.text("status", "phase") in ENDED
    return pod.deleted is not None and not (has_let_go and pod.words("metadata", "finalizers"))


def _failure(snapshot: Snapshot, pod: Object, volume: str) -> Object:
    """Return the event of a mount that failed, if nothing runs; one that names another volume is not meant."""
    events = [each for each in snapshot.events_of(pod, "Pod") if each.text("reason") in FAILED]
    told = [each for each in events if is_about(each, {volume}, _names(snapshot, pod, volume))]
    named = [each for each in told if ONE.search(each.text("message"))]
    return NOTHING if has_started(pod) else link.telling(named or told)


def _unhealthy(snapshot: Snapshot, pod: Object, volume: str) -> Object:
    """Return what kubelet has been told of the volume's health (alpha, CSIVolumeHealth), if it is bad."""
    names = _names(snapshot, pod, volume)
    entries = pod.each("status", "volumeHealth")
    return next((each for each in entries if each.text("name") in names and each.each("healthConditions")), NOTHING)


def _names(snapshot: Snapshot, pod: Object, volume: str) -> set[str]:
    """Return the names that a PersistentVolume has in a pod."""
    claims = ((name, snapshot.find(CLAIMS, claim, pod.namespace)) for name, claim in claims_of(pod))
    return {name for name, claim in claims if claim.text("spec", "volumeName") == volume}


def _of_health(what: str, entry: Object) -> Link:
    worst = entry.each("healthConditions")[0]
    said = f"{worst.text('status')}/{worst.text('reason')}: {worst.text('message')}"
    by = ("volume health, by kubelet", entry.time("lastTransitionTime"))
    return link.broken("device", what, said, by, ("device-errors", "look at the kernel's log of the node"))


def _of_pod(snapshot: Snapshot, pod: Object, mount: str) -> Link:
    if pod.deleted is not None and not is_left_over(pod):
        rest = ", ".join(pod.words("metadata", "finalizers"))
        return link.ok("mount", mount, f"kubelet has ended the pod, which waits for {rest}")
    if pod.deleted is not None and not has_lasted(snapshot, pod.deleted):
        return link.waiting("mount", mount, "the pod is being deleted")
    if pod.deleted is not None:
        said, then = "the pod is being deleted, and kubelet has not ended it yet", look_at_plugin(snapshot, pod)
        return Link("mount", mount, State.BROKEN, said, "pod's deletionTimestamp", pod.deleted, TERMINATING, then)
    if has_started(pod):
        return link.ok("mount", mount, "the pod has it")
    return link.waiting("mount", mount, "kubelet has not told of a failure: look again in a minute")
