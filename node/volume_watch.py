"""How full each volume is, and what is wrong with it: asked once a minute, and kept for whoever scrapes.

A volume whose file system hangs keeps its own figures back, and no other one's: a few are asked at once, and each only
for as long as kubelet would wait.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from common import call_log, errors
from common.tasks import Tasks
from node.health import Health
from node.host.host import Host
from node.records.findings import Finding, Usage
from node.records.kernel import Facts
from node.records.requests import VolumePath
from node.records.state import Published, Staged
from node.rules.kubelet_paths import persistent_volume
from node.stats import Stats
from node.volume_at import is_volume

EVERY_SECONDS = 60.0
LOOK_SECONDS = 10.0  # so soon is a volume seen that was just staged
AT_ONCE = 4
MOST = 128  # volumes: more than any cloud attaches to a server


@dataclass(frozen=True)
class Sample:
    """What was seen of a staged volume. ``usage`` is None where no one answered."""

    record: Staged
    persistent_volume: str
    disk: Facts | None
    usage: Usage | None
    findings: tuple[Finding, ...]


class VolumeWatch:
    """Asks, and remembers the last answers."""

    def __init__(self, host: Host, stats: Stats, health: Health, tasks: Tasks) -> None:
        self._host = host
        self._stats = stats
        self._health = health
        self._tasks = tasks
        self._places = asyncio.Semaphore(AT_ONCE)
        self._begun: dict[str, float] = {}  # when each volume was asked last, loop time
        self._under_way: set[str] = set()
        self._samples: dict[str, Sample] = {}

    @property
    def staged(self) -> int:
        """How many volumes are staged."""
        return len(self._host.state.all(Staged))

    def samples(self) -> tuple[Sample, ...]:
        """Return what was seen last of the volumes that are staged now."""
        staged = {record.volume_id for record in self._host.state.all(Staged)}
        return tuple(sample for volume_id, sample in self._samples.items() if volume_id in staged)

    async def keep(self) -> None:
        """Ask for ever."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_SECONDS)  # noqa: TID251  # nothing tells when a file system fills

    def look(self) -> None:
        """Begin to ask each volume whose time has come."""
        records = {record.volume_id: record for record in self._host.state.all(Staged)[:MOST]}
        self._begun = {key: at for key, at in self._begun.items() if key in records}
        self._samples = {key: sample for key, sample in self._samples.items() if key in records}
        now = asyncio.get_running_loop().time()
        for volume_id, record in records.items():
            if volume_id in self._under_way or now - self._begun.get(volume_id, float("-inf")) < EVERY_SECONDS:
                continue
            self._begun[volume_id] = now
            self._under_way.add(volume_id)
            self._tasks.background(self._ask(record), "volume metrics")

    async def _ask(self, record: Staged) -> None:
        call_log.about(volume_id=record.volume_id)
        try:
            async with self._places:
                self._samples[record.volume_id] = await self._sample(record)
        finally:
            self._under_way.discard(record.volume_id)

    async def _sample(self, record: Staged) -> Sample:
        published = [each.target for each in self._host.state.all(Published) if each.volume_id == record.volume_id]
        disk, usage, findings = None, None, tuple[Finding, ...]()
        with suppress(errors.DriverError):
            disk = await self._disk(record)
        with suppress(errors.DriverError):
            usage = await self._usage(record, published, disk)
        with suppress(errors.DriverError):
            findings = await self._health.of_volume(VolumePath(record.volume_id, ""))
        name = persistent_volume((*published, *record.paths), record.volume_name)
        return Sample(record, name, disk, usage, findings)

    async def _disk(self, record: Staged) -> Facts | None:
        """Return what is known of the volume's disk; None if another one has its number by now."""
        disk = await self._host.facts(record.disk or record.number)
        return disk if disk is not None and is_volume(self._host, record.volume_id, disk) else None

    async def _usage(self, record: Staged, published: list[str], disk: Facts | None) -> Usage | None:
        """Ask at the path at which kubelet asks, too: then both take turns, and a file system hangs one thread."""
        if not record.kind:
            return None if disk is None else Usage(total_bytes=disk.size_bytes, block=True)
        path = min(published, default=record.path)
        return await self._stats.usage(VolumePath(record.volume_id, path, record.path))
