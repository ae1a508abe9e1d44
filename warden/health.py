"""The health of volumes, told where Kubernetes shows it: the claim's status, and Events.

Every minute the controller lists what is wrong. What is found is told once; it has gone when two full lists in a row
are without it. A volume that the driver does not list and does not know by its handle is lost data.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from warden.api import CLAIMS, NOT_FOUND, KubeApi, KubeError, everything
from warden.controller import AskedHealth
from warden.events import Reason, Recorder
from warden.lease import LeaseHolder
from warden.metrics import WardenMetrics
from warden.records import HealthCondition, Reference
from warden.rules import health
from warden.rules.findings import Ledger
from warden.view import View

log = structlog.get_logger("claim_health")

ROUNDS = 1  # that a finding takes: the driver says so, or two of its answers agree
ASKED_AT_ONCE = 10  # volumes that are not listed
WRITTEN_AT_ONCE = 100  # claims in one round, and Events
BOUND = "Bound"
Written = tuple[tuple[HealthCondition, ...] | None, str]  # since when; None: no one knows what stands there
NOTHING: Written = ((), "")
REASONS: Mapping[str, Reason] = {
    "Inaccessible": Reason.VOLUME_INACCESSIBLE,
    "Degraded": Reason.VOLUME_DEGRADED,
    "DataLoss": Reason.VOLUME_DATA_LOSS,
}


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Ailing:
    """What is wrong with a claim's volume; what is said of it may change."""

    claim: Reference
    status: str
    reason: str


@dataclass(frozen=True)
class HealthPolicy:
    """What the operator wants: how often, and whether the claims' status is written."""

    driver: str
    every_seconds: float
    conditions: bool


@dataclass(frozen=True)
class HealthParts:
    """What it asks, and through what it tells."""

    view: View
    api: KubeApi
    controller: AskedHealth
    lease: LeaseHolder
    recorder: Recorder
    clock: Callable[[], datetime] = _utc_now


class ClaimHealth:
    """Tells of volumes that are not well, while this warden leads."""

    def __init__(self, policy: HealthPolicy, parts: HealthParts, metrics: WardenMetrics) -> None:
        self._policy = policy
        self._view, self._api, self._controller = parts.view, parts.api, parts.controller
        self._lease, self._recorder, self._clock = parts.lease, parts.recorder, parts.clock
        self._metrics = metrics
        self._forget()

    async def run(self) -> None:
        """Ask every minute, for ever."""
        while True:
            await asyncio.sleep(self._policy.every_seconds)  # noqa: TID251  # CSI has no event for it
            if self._lease.left() <= 0:
                self._forget()
            elif self._view.is_current() and (self._begun or await self._begin()):
                await self._round()

    def _forget(self) -> None:
        """Begin again: another warden leads, and tells."""
        self._begun = False
        self._ledger: Ledger[Ailing] = Ledger(ROUNDS)
        self._messages: dict[Ailing, str] = {}
        self._lost: frozenset[str] = frozenset()  # handles that the driver does not know
        self._asked: set[str] = set()  # of those that no list has, which were asked for since all were
        self._written: dict[Reference, Written] = {}
        self._is_shown = self._policy.conditions
        self._metrics.unhealthy.clear()

    async def _begin(self) -> bool:
        """Take over what an earlier warden has written; tell whether that could be read."""
        if not self._is_shown:
            self._begun = True
            return True
        try:
            listed, driver = everything(self._api, CLAIMS), self._policy.driver
            found = [known async for each in listed if (known := health.written(each, driver))]
        except KubeError as error:
            log.warning("claims_not_read", message=str(error))
            return False
        for claim, conditions in found:
            self._written[claim] = conditions, self._stamp()
            keys = [Ailing(claim, each.status, each.reason) for each in conditions]
            self._ledger.know(keys)
            self._messages.update(zip(keys, [each.message for each in conditions], strict=True))
        self._begun = True
        return True

    async def _round(self) -> None:
        ailing = await self._controller.ailing()
        if ailing is not None:
            self._ledger.meet(self._found(ailing))  # these have not gone, whatever comes of this round
        bound = (each.handle for each in self._view.volumes if each.phase == BOUND)
        missing = None if ailing is None else await self._controller.unlisted(bound)
        self._metrics.health_rounds.labels("incomplete" if missing is None else "judged").inc()
        if ailing is None or missing is None:
            return
        lost = await self._unknown(missing)
        if not self._view.is_current() or self._lease.left() <= 0:
            return
        self._lost = lost
        found = self._found(ailing)
        self._messages.update(found)
        gone = self._ledger.learn(found.keys())
        self._measure()
        await self._write()
        await self._tell(gone)
        standing = self._ledger.standing()
        self._messages = {key: self._messages[key] for key in standing}

    async def _unknown(self, missing: frozenset[str]) -> frozenset[str]:
        """Return which handles that no list has the driver does not know; of many, some in turn are asked for."""
        left = missing - self._lost
        self._asked &= left if left - self._asked else set()
        asked = sorted(left - self._asked)[:ASKED_AT_ONCE]
        self._asked.update(asked)
        return missing & self._lost | {handle for handle in asked if await self._controller.is_gone(handle)}

    def _found(self, ailing: Mapping[str, tuple[HealthCondition, ...]]) -> dict[Ailing, str]:
        """Return what is wrong with the volumes of claims, with what is said of it."""
        found = {}
        for volume in self._view.volumes:
            if volume.phase != BOUND or volume.claim is None:
                continue
            told = ailing.get(volume.handle, ())
            if volume.handle in self._lost:
                gone = f"the cloud has no volume {volume.handle}: its data is lost unless there is a snapshot"
                told = (*told, HealthCondition("DataLoss", health.GONE, gone))
            for each in map(health.bounded, told):
                found[Ailing(volume.claim, each.status, each.reason)] = each.message
        return found

    def _measure(self) -> None:
        self._metrics.unhealthy.clear()
        for each in self._ledger.standing():
            self._metrics.unhealthy.labels(each.status, each.reason).inc()

    async def _write(self) -> None:
        """Write the status of each claim whose conditions are not those that stand there."""
        wanted: dict[Reference, list[HealthCondition]] = {claim: [] for claim in self._written}
        for key in sorted(self._ledger.standing(), key=lambda key: (key.status, key.reason)):
            condition = HealthCondition(key.status, key.reason, self._messages[key])
            wanted.setdefault(key.claim, []).append(condition)
        conditions = {claim: tuple(found[: health.MOST]) for claim, found in wanted.items()}
        changed = [each for each in conditions.items() if each[1] != self._written.get(each[0], NOTHING)[0]]
        for claim, shown in changed[:WRITTEN_AT_ONCE]:
            if self._is_shown and self._lease.left() > 0:
                await self._apply(claim, shown)

    async def _apply(self, claim: Reference, conditions: tuple[HealthCondition, ...]) -> None:
        before, since = self._written.get(claim, NOTHING)
        if before is None or _kinds(before) != _kinds(conditions):
            since = self._stamp()
        try:
            async with asyncio.timeout(max(0.0, self._lease.left())):
                asked = health.applied(claim, conditions, since)
                found = await self._api.apply_status(CLAIMS, asked, health.manager(self._policy.driver))
        except (KubeError, TimeoutError) as error:
            if isinstance(error, KubeError) and health.is_unknown(str(error)):
                self._stop_showing()
            elif isinstance(error, KubeError) and error.code == NOT_FOUND:
                self._written.pop(claim, None)
            else:
                log.warning("health_not_written", object=claim.name, message=str(error) or type(error).__name__)
                if not isinstance(error, KubeError) or error.is_open:
                    self._written[claim] = None, since
            return
        if conditions and not health.shown(found):
            self._stop_showing()
        elif conditions:
            self._written[claim] = conditions, since
        else:
            self._written.pop(claim, None)

    def _stop_showing(self) -> None:
        """Write no status any more: the API server drops it. Events are written in any case."""
        self._is_shown = False
        self._written = {}
        log.info("health_not_shown", message="the feature gate CSIVolumeHealth of the API server is off")

    async def _tell(self, gone: list[Ailing]) -> None:
        """Write an Event of each finding that is new, and of each that has gone."""
        for key in self._ledger.untold()[:WRITTEN_AT_ONCE]:
            if self._lease.left() <= 0:
                return
            message = f"{key.reason}: {self._messages[key]}"
            log.warning("volume_unhealthy", object=key.claim.name, status=key.status, message=message)
            again = self._ledger.try_to_tell(key)
            if await self._recorder.tell(key.claim, REASONS[key.status], message, again=again):
                self._ledger.tell(key)
        for key in gone[:WRITTEN_AT_ONCE] if self._lease.left() > 0 else ():
            log.info("volume_recovered", object=key.claim.name, status=key.status, reason=key.reason)
            message = f"{key.status} {key.reason} is gone"
            await self._recorder.tell(key.claim, Reason.VOLUME_RECOVERED, message)

    def _stamp(self) -> str:
        return self._clock().strftime("%Y-%m-%dT%H:%M:%SZ")


def _kinds(conditions: tuple[HealthCondition, ...]) -> set[tuple[str, str]]:
    return {(each.status, each.reason) for each in conditions}
