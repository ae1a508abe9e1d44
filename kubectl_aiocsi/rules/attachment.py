"""The third link: is the volume attached to the pod's node, and to no other?"""

from datetime import datetime

from kubectl_aiocsi.records import ATTACHMENTS, Object, Snapshot
from kubectl_aiocsi.rules import link
from kubectl_aiocsi.rules.lasting import has_lasted
from kubectl_aiocsi.rules.link import Link, State

STUCK = "va-stuck"


def attachments_of(snapshot: Snapshot, volume: str) -> list[Object]:
    """Return the VolumeAttachments of a PersistentVolume."""
    found = (each for each in snapshot.every(ATTACHMENTS) if each.text("spec", "attacher") == snapshot.driver)
    return [each for each in found if each.text("spec", "source", "persistentVolumeName") == volume]


def is_attached(attachment: Object, node: str) -> bool:
    """Whether an attachment is done, to that node, and to last."""
    here = attachment.text("spec", "nodeName") == node
    return here and attachment.at("status", "attached") is True and attachment.deleted is None


def attachment_link(snapshot: Snapshot, volume: str, node: str, server: Link, asked: datetime | None = None) -> Link:
    """Judge whether a volume is attached to a node, since ``asked``; ``server`` is the judgement of that node."""
    if ATTACHMENTS in snapshot.unread:
        return link.unknown("attachment", "attachment", snapshot.unread[ATTACHMENTS])
    if not volume or not node:
        lacking = "the pod has no node yet" if volume else "there is no volume yet"
        return link.waiting("attachment", "attachment", lacking)
    found = attachments_of(snapshot, volume)
    here = next((each for each in found if each.text("spec", "nodeName") == node), None)
    elsewhere = next((each for each in found if each.text("spec", "nodeName") != node), None)
    if here is not None and is_attached(here, node):
        return link.ok("attachment", f"attachment {here.name}", f"attached to {node}")
    if elsewhere is not None and not (here is not None and here.text("status", "attachError", "message")):
        return _held(snapshot, elsewhere, node)
    return _unattached(snapshot, here, server) if here else _missing(snapshot, volume, node, server, asked)


def _held(snapshot: Snapshot, other: Object, node: str) -> Link:
    held_by = other.text("spec", "nodeName")
    what = f"attachment {other.name}"
    if said := other.text("status", "detachError", "message"):
        since = other.time("status", "detachError", "time")
        return _broken(what, said, "detachError of the attacher", since, f"kubectl aiocsi why node {held_by}")
    said = f"the volume is attached to node {held_by}, and the pod is on {node}"
    then = f"see who uses it there: kubectl get pods -A -o wide --field-selector spec.nodeName={held_by}"
    if other.deleted is not None:
        said += "; its detach is under way"
        if not has_lasted(snapshot, other.deleted):
            return link.waiting("attachment", what, said)
    return Link("attachment", what, State.BROKEN, said, "VolumeAttachment", other.created, "attached-elsewhere", then)


def _missing(snapshot: Snapshot, volume: str, node: str, server: Link, asked: datetime | None) -> Link:
    if server.state is State.BROKEN or not has_lasted(snapshot, asked):
        told = f"node {node} cannot take it" if server.state is State.BROKEN else "the pod has only just got its node"
        return link.waiting("attachment", "attachment", told)
    said = f"there is no VolumeAttachment for volume {volume} and node {node}"
    then = "the attach-detach controller makes it: look at kube-controller-manager's log"
    return Link("attachment", "attachment", State.BROKEN, said, "API server", None, STUCK, then)


def _unattached(snapshot: Snapshot, here: Object, server: Link) -> Link:
    what, then = f"attachment {here.name}", f"kubectl get volumeattachment {here.name} -o yaml"
    if here.deleted is not None:
        said = here.text("status", "detachError", "message")
        if not said and not has_lasted(snapshot, here.deleted):
            return link.waiting("attachment", what, "it is being detached")
        said = said or "it is being detached"
        return _broken(what, said, "detach of the attacher", here.deleted, then)
    if said := here.text("status", "attachError", "message"):
        if "does not contain driver" in said or (server.state is State.BROKEN and "CSINode" in said):
            return link.waiting("attachment", what, said)
        return _broken(what, said, "attachError of the attacher", here.time("status", "attachError", "time"), then)
    if not has_lasted(snapshot, here.created):
        return link.waiting("attachment", what, "the attach is under way")
    said = "the attacher has not tried yet: it does not run, or waits for others of the node"
    return _broken(what, said, "VolumeAttachment without a status", here.created, "kubectl aiocsi doctor")


def _broken(what: str, said: str, by: str, since: datetime | None, then: str) -> Link:
    return link.broken("attachment", what, said, (by, since), (STUCK, then))
