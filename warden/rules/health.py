"""The health of a claim's volume in Kubernetes' words: what is applied to its status, and what stands there.

Source: Kubernetes 1.37 "VolumeHealthStatus" (alpha, feature gate CSIVolumeHealth).
"""

from collections.abc import Sequence

from common import printable
from warden.records import HealthCondition, Reference
from warden.rules.objects import Json, at, each, text

GONE = "VolumeGone"
LONGEST_REASON, LONGEST_MESSAGE, MOST = 256, 1024, 16  # bytes, bytes, conditions

_NOT_DECLARED = "field not declared in schema"


def manager(driver: str) -> str:
    """Return whose the fields are: of several drivers, each has a warden that takes off no other's."""
    return f"aiocsi-warden-{driver}"


def bounded(condition: HealthCondition) -> HealthCondition:
    """Return a condition as Kubernetes takes it."""
    reason, message = printable.bounded(condition.reason, LONGEST_REASON), condition.message
    return HealthCondition(condition.status, reason, printable.bounded(message, LONGEST_MESSAGE))


def applied(claim: Reference, conditions: Sequence[HealthCondition], since: str) -> Json:
    """Return what is applied to a claim's status; without conditions nothing is said, so that all of it goes."""
    shown = [{"status": each.status, "reason": each.reason, "message": each.message} for each in conditions[:MOST]]
    status = {"healthStatus": {"healthConditions": shown, "lastTransitionTime": since}} if shown else {}
    metadata = {"namespace": claim.namespace, "name": claim.name, "uid": claim.uid}
    return {"apiVersion": claim.api_version, "kind": claim.kind, "metadata": metadata, "status": status}


def shown(json: Json) -> tuple[HealthCondition, ...]:
    """Return the conditions that a claim's status has."""
    found = each(json, "status", "healthStatus", "healthConditions")
    return tuple(HealthCondition(text(one, "status"), text(one, "reason"), text(one, "message")) for one in found)


def written(json: Json, driver: str) -> tuple[Reference, tuple[HealthCondition, ...]] | None:
    """Return a claim whose status a warden of the driver has written, and what it says; None for any other."""
    ours = any(text(one, "manager") == manager(driver) for one in each(json, "metadata", "managedFields"))
    if not ours or not (conditions := shown(json)):
        return None
    metadata = at(json, "metadata")
    namespace, name, uid = (text(metadata, key) for key in ("namespace", "name", "uid"))
    return Reference("v1", "PersistentVolumeClaim", namespace, name, uid), conditions


def is_unknown(message: str) -> bool:
    """Tell whether the API server refuses the field because its version does not have it."""
    return _NOT_DECLARED in message
