"""The lease of the wardens of one driver: one of them acts, the others watch.

The holder acts only within ``RENEW_SECONDS`` of its last renewal, counted from before it asked: a rival waits
``DURATION_SECONDS`` by its own clock, so that both never act.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from common.tasks import Tasks
from warden.api import LEASES, NOT_FOUND, KubeApi, KubeError
from warden.rules import leases
from warden.rules.leases import LeaseStep, Observed

log = structlog.get_logger("lease")

DURATION_SECONDS, RENEW_SECONDS, RETRY_SECONDS = 15, 10.0, 3.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class LeaseName:
    """Which lease, and who asks for it."""

    namespace: str
    name: str
    me: str


class LeaseHolder:
    """One of the parts of ``server.run``: asks for the lease, and gives it back at the end."""

    def __init__(self, api: KubeApi, asked: LeaseName, tasks: Tasks, clock: Callable[[], datetime] = _utc_now) -> None:
        self._api = api
        self._namespace, self._name, self._me = asked.namespace, asked.name, asked.me
        self._tasks = tasks
        self._clock = clock
        self._observed: Observed | None = None
        self._until = float("-inf")  # loop seconds
        self._task: asyncio.Task[object] | None = None

    async def start(self) -> None:
        """Begin to ask."""
        self._task = self._tasks.background(self.run(), "lease")

    async def drain(self, grace_seconds: float) -> None:
        """Give the lease back, so that a successor need not wait."""
        if self._task is not None:
            self._task.cancel()
        if self.left() <= 0 or self._observed is None:
            return
        self._until = float("-inf")
        try:
            async with asyncio.timeout(grace_seconds):
                await self._write("", self._observed.lease)
        except (KubeError, TimeoutError) as error:
            log.info("lease_not_given_back", message=str(error) or type(error).__name__)

    def left(self) -> float:
        """Return for how long this process may still act, seconds; 0 or less: it may not."""
        return self._until - asyncio.get_running_loop().time()

    async def run(self) -> None:
        """Ask for the lease, and renew it, for ever."""
        while True:
            held = self.left() > 0
            try:
                async with asyncio.timeout(RENEW_SECONDS / 2):
                    await self._ask()
            except (KubeError, TimeoutError) as error:
                log.warning(
                    "lease_not_renewed" if held else "lease_not_had", message=str(error) or type(error).__name__
                )
            if held is not (self.left() > 0):
                log.info("leading" if self.left() > 0 else "not_leading", lease=self._name)
            await asyncio.sleep(RETRY_SECONDS)  # noqa: TID251  # a lease runs out by the clock

    async def _ask(self) -> None:
        now = asyncio.get_running_loop().time()
        try:
            found = await self._api.get(LEASES, self._name, self._namespace)
        except KubeError as error:
            if error.code != NOT_FOUND:
                raise
            await self._make(now)
            return
        self._observed = leases.observe(self._observed, leases.lease(found), now)
        if leases.step(self._observed, self._me, now) is LeaseStep.WAIT:
            self._until = float("-inf")
            return
        await self._write(self._me, self._observed.lease)
        self._until = now + RENEW_SECONDS

    async def _make(self, now: float) -> None:
        json = await self._api.create(LEASES, self._json(self._me, leases.FREE))
        self._observed = leases.observe(None, leases.lease(json), now)
        self._until = now + RENEW_SECONDS

    async def _write(self, holder: str, before: leases.Lease) -> None:
        json = await self._api.replace(LEASES, self._json(holder, before))
        self._observed = leases.observe(self._observed, leases.lease(json), asyncio.get_running_loop().time())

    def _json(self, holder: str, before: leases.Lease) -> dict[str, object]:
        stamp = self._clock().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        metadata = {"name": self._name, "namespace": self._namespace}
        if before.version:
            metadata["resourceVersion"] = before.version
        spec = {
            "holderIdentity": holder,
            "leaseDurationSeconds": DURATION_SECONDS if holder else 1,
            "renewTime": stamp,
            "leaseTransitions": before.transitions + (holder != before.holder),
        }
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
