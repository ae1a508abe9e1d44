"""Controllers on a metered cloud, in virtual time, called as the sidecars call."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import TypeVar

import looptime

from benchmarks.service_levels.metered import SHAPES, MeteredCloud
from common import deadlines, errors
from common.clouds import CLOUDS, DEFAULT
from common.tasks import Tasks
from controller import wiring
from controller.cloud.records import Volume
from controller.records import (
    BLANK,
    Attach,
    ControllerScope,
    Create,
    Detach,
    ListRequest,
    PublishContext,
    Resize,
    Size,
    TakeSnapshot,
)
from controller.shared import make_shared
from tests.fakes.cloud import ZONE
from tests.fakes.ratelimit import RateLimit

Result = TypeVar("Result")
CALL_SECONDS = {  # --timeout, as the chart sets it
    "create": 120.0,
    "delete": 120.0,
    "attach": 180.0,
    "detach": 180.0,
    "grow": 120.0,
    "snapshot": 120.0,
}
WORKERS, RESIZER_WORKERS, SNAPSHOTTER_WORKERS = 100, 20, 10  # of each sidecar, as the chart sets it
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 1.0, 60.0  # the sidecars' back-off, as the chart sets it
PER_MINUTE, PER_HOUR = 250, 5000
LIST_SECONDS = 600.0  # the first list reads all pages
QUIET_SECONDS = 70.0  # after so long nothing counts against the minute


@dataclass
class Cost:
    """What a stretch of time cost. Seconds; ``took`` are the cloud's actions themselves."""

    seconds: float = 0.0
    requests: int = 0
    throttled: int = 0
    pending: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    took: list[float] = field(default_factory=list)
    calls: dict[str, list[float]] = field(default_factory=dict)


class Stand:
    """One controller on a cloud."""

    def __init__(self, cloud: MeteredCloud) -> None:
        self.cloud = cloud
        self.calls: dict[str, list[float]] = {}
        self.retries = 0
        self._names: dict[str, PublishContext] = {}  # as PersistentVolumes keep them
        provisioner, attacher = asyncio.Semaphore(WORKERS), asyncio.Semaphore(WORKERS)
        self._workers = {"create": provisioner, "delete": provisioner, "attach": attacher, "detach": attacher}
        self._workers["grow"] = asyncio.Semaphore(RESIZER_WORKERS)
        self._workers["snapshot"] = asyncio.Semaphore(SNAPSHOTTER_WORKERS)
        parts = make_shared(cloud, Tasks(), cloud.budget)
        scope = ControllerScope("d", ZONE, CLOUDS[DEFAULT], cloud.traits)
        self._work = wiring.make_domains(parts, scope, longest_page=250)

    async def create(self, name: str) -> str:
        """Create a volume; return its id."""
        wanted = Create(name, ZONE, Size(), BLANK)
        volume = await self._call("create", lambda: self._work.volumes.create(wanted))
        self.know(volume)
        return volume.id

    def know(self, volume: Volume) -> None:
        """Keep what the attacher tells of a volume."""
        self._names[volume.id] = PublishContext(volume.name, volume.size_bytes)

    async def publish(self, volume_id: str, server_id: str) -> None:
        """Attach it."""
        wanted = Attach(volume_id, server_id, self._names[volume_id])
        await self._call("attach", lambda: self._work.attachments.publish(wanted))

    async def unpublish(self, volume_id: str, server_id: str) -> None:
        """Detach it."""
        await self._call("detach", lambda: self._work.attachments.unpublish(Detach(volume_id, server_id)))

    async def grow(self, volume_id: str, size_bytes: int) -> None:
        """Grow it."""
        wanted = Resize(volume_id, Size(size_bytes), None)
        await self._call("grow", lambda: self._work.volumes.expand(wanted))

    async def snapshot(self, volume_id: str) -> None:
        """Take a snapshot of it."""
        wanted = TakeSnapshot(f"snapshot-{volume_id}", volume_id)
        await self._call("snapshot", lambda: self._work.snapshots.create(wanted))

    async def life(self, name: str, server_id: str) -> None:
        """Create, attach, detach, delete."""
        volume_id = await self.create(name)
        await self.publish(volume_id, server_id)
        await self.unpublish(volume_id, server_id)
        await self._call("delete", lambda: self._work.volumes.delete(volume_id))

    async def list_all(self, wanted: ListRequest) -> None:
        """List volumes, as the attacher does."""
        with deadlines.until(_now() + LIST_SECONDS):
            await self._work.listing.volumes(wanted)

    async def measured(self, work: Awaitable[object]) -> Cost:
        """Do the work; return what it cost."""
        cloud = self.cloud
        cloud.requests.clear()
        cloud.took.clear()
        self.calls, throttled, pending = {}, cloud.throttled, cloud.pending
        begin = _now()
        await work
        return Cost(
            _now() - begin,
            len(cloud.requests),
            cloud.throttled - throttled,
            cloud.pending - pending,
            cloud.count(),
            [*cloud.took],
            self.calls,
        )

    async def _call(self, name: str, call: Callable[[], Coroutine[object, object, Result]]) -> Result:
        """Call as a sidecar does: again, after a growing pause, while the answer is not final."""
        begin, pause = _now(), FIRST_RETRY_SECONDS
        while True:
            try:
                async with self._workers[name]:
                    with deadlines.until(_now() + CALL_SECONDS[name]):
                        result = await call()
            except errors.NotFinal:
                self.retries += 1
                await asyncio.sleep(pause)  # noqa: TID251 (virtual time: a sidecar's back-off is a sleep)
                pause = min(pause * 2, LONGEST_RETRY_SECONDS)
                continue
            self.calls.setdefault(name, []).append(_now() - begin)
            return result


def stand(shape: str, servers: int, seed: int, limit: RateLimit | None = None, wall_offset: float = 0) -> Stand:
    """Make a stand on a cloud whose actions take as long as that shape says.

    ``wall_offset`` is by how many seconds the controller's clock is ahead of the cloud's.
    """
    names = [str(number) for number in range(1, servers + 1)]
    return Stand(MeteredCloud(names, SHAPES[shape], seed, limit or RateLimit(PER_MINUTE, PER_HOUR), wall_offset))


async def quiet() -> None:
    """Wait until the minute is over."""
    await asyncio.sleep(QUIET_SECONDS)  # noqa: TID251 (virtual time)


def in_virtual_time(work: Coroutine[object, object, Result]) -> Result:
    """Run the work in a loop in which waiting takes no time."""
    with asyncio.Runner(loop_factory=lambda: looptime.new_event_loop(start=0)) as runner:
        return runner.run(work)


def _now() -> float:
    return asyncio.get_running_loop().time()
