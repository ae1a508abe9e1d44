"""The second link: is the PersistentVolume there, is it ours, and is it not on its way out?"""

from dataclasses import replace

from kubectl_aiocsi.records import VOLUMES, Object, Snapshot
from kubectl_aiocsi.rules import link
from kubectl_aiocsi.rules.lasting import SLOW, has_lasted
from kubectl_aiocsi.rules.link import Link, State

FAILED = {"VolumeFailedDelete", "VolumeFailedRecycle", "FailedBinding"}


def volume_link(snapshot: Snapshot, name: str) -> Link:
    """Judge a PersistentVolume, which may be missing."""
    what = f"volume {name}" if name else "volume"
    if not name:
        return link.waiting("volume", what, "the claim has none yet")
    volume = snapshot.find(VOLUMES, name)
    if not volume:
        if VOLUMES in snapshot.unread:
            return link.unknown("volume", what, snapshot.unread[VOLUMES])
        said = f"there is no PersistentVolume {name}"
        then = "restore the volume under a new claim; the cloud may still have it: kubectl aiocsi drift"
        return Link("volume", what, State.BROKEN, said, "API server", None, "claim-lost", then)
    if not snapshot.is_ours(volume):
        owner = volume.text("spec", "csi", "driver")
        said = f"it is of {owner or 'no CSI driver'}, not of {snapshot.driver}"
        other = f"ask that driver, or: kubectl aiocsi why --driver {owner}"
        then = other if owner else f"see what it is of: kubectl get pv {volume.name} -o yaml"
        return Link("volume", what, State.BROKEN, said, "spec.csi.driver", volume.created, "not-ours", then)
    return _of_ours(snapshot, volume, what)


def is_being_deleted(snapshot: Snapshot, volume: Object) -> bool:
    """Whether a volume is on its way out, and not for long: a try may fail while it is still attached."""
    left = volume.text("status", "phase") in {"Released", "Failed"}
    if not left or volume.text("spec", "persistentVolumeReclaimPolicy") != "Delete":
        return False
    return not has_lasted(snapshot, volume.deleted or volume.time("status", "lastPhaseTransitionTime"), SLOW)


def _of_ours(snapshot: Snapshot, volume: Object, what: str) -> Link:
    phase = volume.text("status", "phase")
    if is_being_deleted(snapshot, volume):
        return link.waiting("volume", what, "its claim is gone, and it is being deleted")
    then = f"kubectl describe pv {volume.name}"
    events = [each for each in snapshot.events_of(volume, "PersistentVolume") if each.text("reason") in FAILED]
    if phase == "Failed" or (events and phase == "Released"):
        if events:
            return replace(link.from_event("volume", what, events[0], ("pv-released", then)), cause="pv-released")
        said = volume.text("status", "message") or "its deletion has failed"
        return Link("volume", what, State.BROKEN, said, "volume's phase Failed", None, "pv-released", then)
    if phase == "Released":
        said = f"its claim is gone, and its reclaim policy is {volume.text('spec', 'persistentVolumeReclaimPolicy')}"
        since = volume.time("status", "lastPhaseTransitionTime")
        return Link("volume", what, State.BROKEN, said, "volume's phase Released", since, "pv-released", then)
    if volume.deleted is not None:
        said = f"it is being deleted, and waits for {', '.join(volume.words('metadata', 'finalizers')) or 'nothing'}"
        return Link(
            "volume", what, State.BROKEN, said, "volume's deletionTimestamp", volume.deleted, "pv-deleting", then
        )
    handle = volume.text("spec", "csi", "volumeHandle")
    return link.ok("volume", what, f"{volume.text('spec', 'capacity', 'storage')}, in the cloud {handle}")
