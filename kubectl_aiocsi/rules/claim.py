"""The first link: does the claim have a volume, and if not, whom does it wait for?"""

from kubectl_aiocsi import records
from kubectl_aiocsi.records import CLAIMS, CLASSES, CSI_DRIVERS, Object, Snapshot, is_older
from kubectl_aiocsi.rules import link
from kubectl_aiocsi.rules.lasting import has_lasted
from kubectl_aiocsi.rules.link import Link, State

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
FAILED = {"ProvisioningFailed", "FailedBinding", "ProvisioningCleanupFailed"}
GROWING = {"VolumeResizeFailed", "FileSystemResizeFailed", "ExternalExpandFailed", "VolumeModifyFailed"}
STUCK, EXPAND = "claim-stuck", "expand-stuck"


def claim_link(snapshot: Snapshot, namespace: str, name: str) -> Link:
    """Judge a claim, which may be missing."""
    what = f"claim {namespace}/{name}"
    claim = snapshot.find(CLAIMS, name, namespace)
    if not claim:
        if CLAIMS in snapshot.unread:
            return link.unknown("claim", what, snapshot.unread[CLAIMS])
        return Link("claim", what, State.BROKEN, f"there is no {what}", "API server", None, STUCK, "create the claim")
    if claim.text("status", "phase") == "Lost":
        said = f"its volume {claim.text('spec', 'volumeName')} is gone"
        return Link("claim", what, State.BROKEN, said, "claim's phase Lost", None, "claim-lost", _describe(claim))
    if claim.deleted is not None:
        then = f"kubectl get pods -n {namespace} -o wide | grep {name}"
        said = f"it is being deleted, and waits for {', '.join(claim.words('metadata', 'finalizers')) or 'nothing'}"
        return Link(
            "claim", what, State.BROKEN, said, "claim's deletionTimestamp", claim.deleted, "claim-deleting", then
        )
    if claim.text("status", "phase") != "Bound":
        return _pending(snapshot, claim, what)
    return growth(snapshot, claim) or link.ok("claim", what, f"bound to {claim.text('spec', 'volumeName')}")


def growth(snapshot: Snapshot, claim: Object) -> Link | None:
    """Return the link if the claim is to grow or to change, and something has refused that."""
    what = f"claim {claim.full_name}"
    for kind in ("ControllerResizeError", "NodeResizeError", "ModifyVolumeError"):
        condition = claim.condition(kind)
        if condition.text("status") == "True":
            return _from_condition(claim, condition)
    states = claim.at("status", "allocatedResourceStatuses")
    asked = [claim.condition(kind) for kind in ("Resizing", "FileSystemResizePending")]
    wants, since = any(asked) or states, [each.time("lastTransitionTime") for each in asked]
    events = [each for each in snapshot.events_of(claim, "PersistentVolumeClaim") if each.text("reason") in GROWING]
    events = [each for each in events if not is_older(each, since)]
    return link.from_event("claim", what, events[0], (EXPAND, _describe(claim))) if wants and events else None


def _from_condition(claim: Object, condition: Object) -> Link:
    by = (f"claim's condition {condition.text('type')}", condition.time("lastTransitionTime"))
    then = (EXPAND, _describe(claim))
    return link.broken("claim", f"claim {claim.full_name}", condition.text("message"), by, then)


def _pending(snapshot: Snapshot, claim: Object, what: str) -> Link:
    storage_class = _class_of(snapshot, claim)
    said, cause = _class_problem(snapshot, claim, storage_class)
    if said:
        then = "kubectl get storageclass,csidriver"
        return Link("claim", what, State.BROKEN, said, "API server", claim.created, cause, then)
    events = [each for each in snapshot.events_of(claim, "PersistentVolumeClaim") if each.text("reason") in FAILED]
    late = storage_class.text("volumeBindingMode") == "WaitForFirstConsumer"
    if late and not claim.annotation(SELECTED_NODE):
        return link.waiting("claim", what, "its volume is made when a pod that uses it has a node")
    if events:
        return link.from_event("claim", what, events[0], (STUCK, _describe(claim)))
    provisioner = storage_class.text("provisioner")
    if provisioner and provisioner != snapshot.driver:
        said = f"class {storage_class.name} is of {provisioner}, not of {snapshot.driver}"
        return Link("claim", what, State.BROKEN, said, "StorageClass", claim.created, "not-ours", _describe(claim))
    if not has_lasted(snapshot, claim.created):
        return link.waiting("claim", what, "it is new, and nothing has told of a failure: look again in a minute")
    said = "nothing has tried to make its volume: the provisioner does not run, or is not told of the claim"
    then = "kubectl aiocsi doctor"
    return Link("claim", what, State.BROKEN, said, "no event of a provisioner", claim.created, STUCK, then)


def _class_of(snapshot: Snapshot, claim: Object) -> Object:
    name = claim.text("spec", "storageClassName")
    return snapshot.find(CLASSES, name) if name else records.NOTHING


def _class_problem(snapshot: Snapshot, claim: Object, storage_class: Object) -> tuple[str, str]:
    """Return what is wrong with the claim's class, and the id of that; empty texts if nothing is known to be."""
    if CLASSES in snapshot.unread or claim.text("spec", "volumeName"):
        return "", ""
    name = claim.at("spec", "storageClassName")
    if name is None:
        return "it names no StorageClass, and the cluster has no default one", "class-missing"
    if name and not storage_class:
        return f"there is no StorageClass {name}", "class-missing"
    provisioner = storage_class.text("provisioner")
    if provisioner != snapshot.driver or CSI_DRIVERS in snapshot.unread or snapshot.find(CSI_DRIVERS, provisioner):
        return "", ""
    return f"there is no CSIDriver {provisioner}: the driver is not installed", "driver-missing"


def _describe(claim: Object) -> str:
    return f"kubectl describe pvc -n {claim.namespace} {claim.name}"
