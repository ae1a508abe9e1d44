"""Drift: compares cluster and cloud every few minutes, and tells of what stays different. It never removes anything.

The cloud's volumes are those that the controller knows anyway; of a list that is not whole nothing is concluded.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import structlog

from common.drift import judge
from common.drift_records import (
    CloudSide,
    CloudVolume,
    ClusterAttachment,
    ClusterSide,
    ClusterVolume,
    Difference,
    DriftKind,
    DriftVerdict,
    KubernetesName,
    in_bytes,
)
from warden.api import CLAIMS, CONTENTS, VOLUMES, KubeApi, KubeError, ResourceKind, everything
from warden.controller import AskedLists
from warden.events import Reason, Recorder
from warden.known_volumes import AskedPages
from warden.lease import LeaseHolder
from warden.metrics import WardenMetrics
from warden.records import PersistentVolume, Reference
from warden.rules import objects
from warden.rules.findings import Ledger
from warden.rules.objects import Json, text
from warden.view import View

log = structlog.get_logger("drift")

Record = TypeVar("Record")

ROUNDS = 2  # in a row, until it is told
SETTLED_SECONDS = 45.0  # the controller believes what it has changed itself for 30 s, whatever a list says
EVENTS_AT_ONCE = 100  # in one round; what is more comes in the next ones
REASONS: Mapping[DriftKind, Reason] = {
    DriftKind.VOLUME_WITHOUT_PV: Reason.VOLUME_WITHOUT_PV,
    DriftKind.PV_WITHOUT_VOLUME: Reason.PV_WITHOUT_VOLUME,
    DriftKind.CONTENT_WITHOUT_SNAPSHOT: Reason.CONTENT_WITHOUT_SNAPSHOT,
    DriftKind.SNAPSHOT_WITHOUT_CONTENT: Reason.SNAPSHOT_WITHOUT_CONTENT,
    DriftKind.ATTACHED_UNKNOWN: Reason.ATTACHED_UNKNOWN,
    DriftKind.ATTACHED_MISSING: Reason.ATTACHED_MISSING,
    DriftKind.RELEASED_PV: Reason.RELEASED_PV,
    DriftKind.CLAIM_UNUSED: Reason.CLAIM_UNUSED,
    DriftKind.SIZE_DIFFERS: Reason.SIZE_DIFFERS,
    DriftKind.SNAPSHOTS_NEAR_LIMIT: Reason.SNAPSHOTS_NEAR_LIMIT,
}
KINDS = {kind.name: kind for kind in (VOLUMES, CLAIMS, CONTENTS)}


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class DriftPolicy:
    """What the operator wants: how often, and which volumes of the cloud are the cluster's."""

    driver: str
    every_seconds: float
    unused_days: int
    tags: frozenset[str]


@dataclass(frozen=True)
class DriftParts:
    """What it asks, and through what it tells."""

    view: View
    api: KubeApi
    controller: AskedLists
    pages: AskedPages
    lease: LeaseHolder
    recorder: Recorder
    clock: Callable[[], datetime] = _utc_now


class DriftReport:
    """Compares, round by round, while this warden leads."""

    def __init__(self, policy: DriftPolicy, parts: DriftParts, metrics: WardenMetrics) -> None:
        self._policy = policy
        self._view, self._api, self._controller = parts.view, parts.api, parts.controller
        self._pages, self._lease, self._recorder = parts.pages, parts.lease, parts.recorder
        self._clock = parts.clock
        self._metrics = metrics
        self._forget()

    async def run(self) -> None:
        """Compare every few minutes, for ever."""
        while True:
            await asyncio.sleep(self._policy.every_seconds)  # noqa: TID251  # nothing tells that both sides differ
            if self._lease.left() <= 0:
                self._forget()
            elif self._view.is_current():
                await self._round()

    def _forget(self) -> None:
        """Begin again: another warden leads, and tells."""
        rounds = max(ROUNDS, 1 + math.ceil(SETTLED_SECONDS / self._policy.every_seconds))
        self._ledger: Ledger[Difference] = Ledger(rounds, lambda difference: difference.kind)
        self._judged: set[DriftKind] = set()
        self._read_at = float("-inf")  # when the cloud's volumes were as they were judged by last, loop seconds
        self._metrics.drift.clear()
        self._metrics.drift_bytes.clear()

    async def _round(self) -> None:
        contents = await self._listed(CONTENTS, lambda each: objects.snapshot_content(each, self._policy.driver))
        snapshots = None if contents is None else await self._controller.snapshots()
        claims = await self._listed(CLAIMS, objects.unused_claim)
        tags = self._policy.tags
        others = await self._of_others() if tags else []
        volumes = await self._volumes()
        if not self._view.is_current() or self._lease.left() <= 0:
            return
        self._metrics.drift_rounds.labels("incomplete" if volumes is None else "judged").inc()
        cluster = ClusterSide(
            now=self._clock().timestamp(),
            volumes=[_volume(each) for each in self._view.volumes],
            attachments=self._attachments(),
            nodes=frozenset(each.server_id for each in self._view.csi_nodes),
            contents=contents,
            claims=claims,
            tags=frozenset() if others is None else tags,
            of_others=frozenset(others or ()),
            young_seconds=self._policy.every_seconds,
            unused_days=self._policy.unused_days,
        )
        self._learn(judge(cluster, CloudSide(volumes, snapshots)))
        await self._tell()

    async def _volumes(self) -> tuple[CloudVolume, ...] | None:
        """Return the cloud's volumes, if they were read again since the last round: one list is not two looks."""
        found = await self._pages.known(self._policy.every_seconds)
        if found is None:
            return None
        read_at = asyncio.get_running_loop().time() - found.age_seconds
        if read_at <= self._read_at + 1:
            return None
        self._read_at = read_at
        return found.volumes

    async def _of_others(self) -> list[str] | None:
        """Return the handles that PersistentVolumes of other drivers name; None: not known."""
        return await self._listed(VOLUMES, lambda each: objects.handle_of_other(each, self._policy.driver))

    async def _listed(self, kind: ResourceKind, keep: Callable[[Json], Record | None]) -> list[Record] | None:
        """Return what is kept of all objects of a kind; None if they could not be read."""
        try:
            return [kept async for each in everything(self._api, kind) if (kept := keep(each)) is not None]
        except KubeError as error:
            log.info("drift_not_read", kind=kind.name, message=str(error))
            return None

    def _attachments(self) -> list[ClusterAttachment]:
        found = []
        for each in self._view.attachments:
            node = self._view.csi_nodes.get(each.node)
            server_id = "" if node is None else node.server_id
            found.append(ClusterAttachment(each.name, each.volume, server_id, each.attached))
        return found

    def _learn(self, verdict: DriftVerdict) -> None:
        self._judged |= verdict.judged
        self._ledger.learn(verdict.found, verdict.judged)
        standing = self._ledger.standing()
        for kind in self._judged:
            of_kind = [each for each in standing if each.kind is kind]
            self._metrics.drift.labels(kind.value).set(len(of_kind))
            self._metrics.drift_bytes.labels(kind.value).set(sum(each.size_bytes for each in of_kind))

    async def _tell(self) -> None:
        """Write an Event of each difference that stands and was not told of; of many, some."""
        for each in self._ledger.untold()[:EVENTS_AT_ONCE]:
            if self._lease.left() <= 0:
                return
            try:
                about = await self._reference(each.about)
            except KubeError as error:
                log.info("drift_not_read", kind=each.about.kind, message=str(error))
                continue
            log.warning("drift", kind=each.kind.value, object=each.what, message=each.said)
            message = f"{each.what}: {each.said}. Would end it: {each.remove}"
            if await self._recorder.tell(about, REASONS[each.kind], message, again=self._ledger.try_to_tell(each)):
                self._ledger.tell(each)

    async def _reference(self, about: KubernetesName) -> Reference:
        """Return what an Event says of an object; the driver where the cluster has no object. Raises KubeError."""
        if not about.kind:
            return Reference("storage.k8s.io/v1", "CSIDriver", "", self._policy.driver, "")
        kind = KINDS[about.kind]
        uid = text(await self._api.get(kind, about.name, about.namespace), "metadata", "uid")
        version = f"{kind.group}/{kind.version}" if kind.group else kind.version
        return Reference(version, kind.name, about.namespace, about.name, uid)


def _volume(one: PersistentVolume) -> ClusterVolume:
    claim = "" if one.claim is None else f"{one.claim.namespace}/{one.claim.name}"
    return ClusterVolume(one.name, one.handle, in_bytes(one.size), one.phase, claim, one.created_at)
