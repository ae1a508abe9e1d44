"""The last two links: the device on the node, and the mount in the pod, as kubelet tells of them."""

from kubectl_aiocsi.records import CLAIMS, NOTHING, Object, Snapshot
from kubectl_aiocsi.rules import link
from kubectl_aiocsi.rules.link import Link, State
from kubectl_aiocsi.rules.pods import claims_of

FAILED = {"FailedMount", "FailedMapVolume", "VolumeResizeFailed", "FileSystemResizeFailed"}
ON_DEVICE = ("MountVolume.MountDevice", "MapVolume.SetUpDevice", "MountVolume.WaitForAttach")
STUCK = "mount-stuck"


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
        return link.ok("device", device, f"on {where}"), _of_pod(pod, mount)
    then = f"kubectl describe pod -n {pod.namespace} {pod.name}"
    if any(words in event.text("message") for words in ON_DEVICE):
        return link.from_event("device", device, event, (STUCK, then)), link.waiting("mount", mount, "the device")
    return link.ok("device", device, f"on {where}"), link.from_event("mount", mount, event, (STUCK, then))


def has_started(pod: Object) -> bool:
    """Whether kubelet has mounted what the pod asks for: a container of it runs or has run."""
    containers = [*pod.each("status", "initContainerStatuses"), *pod.each("status", "containerStatuses")]
    return any(
        each.at("state", "running") or each.at("state", "terminated") or each.at("lastState", "terminated")
        for each in containers
    )


def _failure(snapshot: Snapshot, pod: Object, volume: str) -> Object:
    """Return the event of a mount that failed, if nothing runs; one that names another volume is not meant."""
    events = [each for each in snapshot.events_of(pod, "Pod") if each.text("reason") in FAILED]
    named = [each for each in events if f'"{volume}"' in each.text("message")]
    told = named or [each for each in events if 'for volume "' not in each.text("message")]
    return NOTHING if has_started(pod) else link.telling(told)


def _unhealthy(snapshot: Snapshot, pod: Object, volume: str) -> Object:
    """Return what kubelet has been told of the volume's health (alpha, CSIVolumeHealth), if it is bad."""
    names = {name for name, claim in claims_of(pod) if _volume_of(snapshot, pod, claim) == volume}
    entries = pod.each("status", "volumeHealth")
    return next((each for each in entries if each.text("name") in names and each.each("healthConditions")), NOTHING)


def _volume_of(snapshot: Snapshot, pod: Object, claim: str) -> str:
    return snapshot.find(CLAIMS, claim, pod.namespace).text("spec", "volumeName")


def _of_health(what: str, entry: Object) -> Link:
    worst = entry.each("healthConditions")[0]
    said = f"{worst.text('status')}/{worst.text('reason')}: {worst.text('message')}"
    by = ("volume health, by kubelet", entry.time("lastTransitionTime"))
    return link.broken("device", what, said, by, ("device-errors", "look at the kernel's log of the node"))


def _of_pod(pod: Object, mount: str) -> Link:
    if pod.deleted is not None:
        said = "the pod is being deleted, and kubelet has not ended it yet"
        then = f"kubectl aiocsi why node {pod.text('spec', 'nodeName')}"
        return Link("mount", mount, State.BROKEN, said, "pod's deletionTimestamp", pod.deleted, "pod-terminating", then)
    if has_started(pod):
        return link.ok("mount", mount, "the pod has it")
    return link.waiting("mount", mount, "kubelet has not told of a failure: look again in a minute")
