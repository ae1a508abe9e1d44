"""Events: each once for a finding, however many wardens and restarts; what goes on is counted on the same Event.

Source: Kubernetes "Event v1 core".
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum

import structlog

from common.printable import bounded
from warden.api import CONFLICT, EVENTS, KubeApi, KubeError
from warden.metrics import WardenMetrics
from warden.records import Reference
from warden.rules.objects import at

log = structlog.get_logger("events")

LONGEST_MESSAGE = 1024  # bytes (validation of an Event's note)
PROGRAM = "aiocsi-warden"


class Reason(Enum):
    """Why there is an Event: stable words, which alerts may name."""

    NODE_OFF = "NodeOffWithVolumes"
    NODE_GONE = "NodeGoneWithVolumes"
    NODE_TAINTED = "NodeTainted"
    NODE_CLEARED = "NodeTaintRemoved"
    VOLUME_WITHOUT_PV = "VolumeWithoutPV"
    PV_WITHOUT_VOLUME = "PVWithoutVolume"
    CONTENT_WITHOUT_SNAPSHOT = "ContentWithoutSnapshot"
    SNAPSHOT_WITHOUT_CONTENT = "SnapshotWithoutContent"
    ATTACHED_UNKNOWN = "AttachedUnknown"
    ATTACHED_MISSING = "AttachedMissing"
    RELEASED_PV = "ReleasedPV"
    CLAIM_UNUSED = "ClaimUnused"
    SIZE_DIFFERS = "SizeDiffers"
    SNAPSHOTS_NEAR_LIMIT = "SnapshotsNearLimit"
    VOLUME_INACCESSIBLE = "VolumeInaccessible"
    VOLUME_DEGRADED = "VolumeDegraded"
    VOLUME_DATA_LOSS = "VolumeDataLoss"
    VOLUME_RECOVERED = "VolumeRecovered"


NORMAL = {Reason.NODE_CLEARED, Reason.RELEASED_PV, Reason.CLAIM_UNUSED, Reason.VOLUME_RECOVERED}


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Recorder:
    """Writes Events. What fails is logged: an Event is never worth more than what it tells of."""

    def __init__(self, api: KubeApi, me: str, metrics: WardenMetrics, clock: Callable[[], datetime] = _utc_now) -> None:
        self._api = api
        self._me = me
        self._metrics = metrics
        self._clock = clock

    async def tell(self, about: Reference, reason: Reason, message: str, *, again: bool = True) -> bool:
        """Write an Event, or count it on the one that is there; without ``again`` that one stays as it is.

        Return whether it is known to be there.
        """
        json = self._json(about, reason, bounded(message, LONGEST_MESSAGE))
        try:
            await self._write(json, again=again)
        except KubeError as error:
            log.warning("event_not_written", reason=reason.value, object=about.name, message=str(error))
            return False
        self._metrics.events.labels(reason.value).inc()
        return True

    async def _write(self, json: dict[str, object], *, again: bool) -> None:
        try:
            await self._api.create(EVENTS, json)
        except KubeError as error:
            if error.code != CONFLICT:
                raise
            if not again:
                return
            name, namespace = str(at(json, "metadata", "name")), str(at(json, "metadata", "namespace"))
            found = await self._api.get(EVENTS, name, namespace)
            count = at(found, "count")
            counted = {"count": (count if isinstance(count, int) else 1) + 1, "lastTimestamp": json["lastTimestamp"]}
            await self._api.merge(EVENTS, name, counted, namespace)

    def _json(self, about: Reference, reason: Reason, message: str) -> dict[str, object]:
        stamp = self._clock().strftime("%Y-%m-%dT%H:%M:%SZ")
        cut = about.name[:200].rstrip("-.")
        digest = hashlib.sha256(f"{about.uid}\n{reason.value}\n{message}".encode()).hexdigest()[:16]
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{cut}.{digest}", "namespace": about.namespace or "default"},
            "involvedObject": {
                "apiVersion": about.api_version,
                "kind": about.kind,
                "name": about.name,
                "uid": about.uid,
                **({"namespace": about.namespace} if about.namespace else {}),
            },
            "type": "Normal" if reason in NORMAL else "Warning",
            "reason": reason.value,
            "message": message,
            "count": 1,
            "firstTimestamp": stamp,
            "lastTimestamp": stamp,
            "source": {"component": PROGRAM},
            "reportingComponent": PROGRAM,
            "reportingInstance": self._me,
        }
