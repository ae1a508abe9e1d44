"""Stats while pods come and go: the figures are the volume's, or the volume is not there."""

import asyncio
import os

import pytest

from common import errors
from node.records.requests import VolumePath
from tests.integration.node.conftest import Bench
from tests.integration.node.disks import GIB, Disk
from tools.processes import traces


class Observers:
    """Readers that ask until they are told to stop."""

    def __init__(self, bench: Bench, place: VolumePath) -> None:
        self._bench = bench
        self._place = place
        self.sizes: list[int] = []
        self.findings: list[str] = []
        self.absent = 0
        self.over = False

    async def usage(self) -> None:
        """Ask for the stats."""
        while not self.over:
            try:
                self.sizes.append((await self._bench.parts.stats.usage(self._place)).total_bytes)
            except errors.NotFound:
                self.absent += 1

    async def health(self) -> None:
        """Ask for the health."""
        while not self.over:
            try:
                self.findings += [found.reason for found in await self._bench.parts.health.of_volume(self._place)]
            except errors.NotFound:
                self.absent += 1


async def move(bench: Bench, disk: Disk, kind: str, rounds: int, seen: Observers) -> None:
    for _ in range(rounds):
        await bench.publish(disk, kind)
        await bench.unpublish(disk)
    seen.over = True


@pytest.mark.asyncio
@pytest.mark.timeout(900)  # half a minute on a machine with nothing else to do
@pytest.mark.parametrize(("kind", "rounds"), [("ext4", 1000), ("btrfs", 40)])
async def test_stats_and_health_of_a_pod_that_comes_and_goes_are_never_anothers(
    bench: Bench, kind: str, rounds: int
) -> None:
    disk = bench.disks.blank()
    await bench.stage(disk, kind)
    seen = Observers(bench, VolumePath(disk.id, bench.target(disk)))
    async with asyncio.TaskGroup() as group:
        for ask in (seen.usage, seen.usage, seen.health, seen.health):
            group.create_task(ask())
        group.create_task(move(bench, disk, kind, rounds, seen))
    assert seen.sizes
    assert seen.absent
    assert len(set(seen.sizes)) == 1
    assert seen.sizes[0] <= GIB
    assert seen.findings == []
    await bench.unstage(disk)
    assert traces.mounts(bench.folder) == ()


@pytest.mark.asyncio
async def test_stats_count_the_files_of_a_volume(bench: Bench) -> None:
    disk = bench.disks.blank()
    await bench.stage(disk)
    target = await bench.publish(disk)
    before = await bench.parts.stats.usage(VolumePath(disk.id, str(target)))
    (target / "file").write_bytes(b"x" * (1 << 20))
    os.sync()
    after = await bench.parts.stats.usage(VolumePath(disk.id, str(target)))
    assert after.used_bytes - before.used_bytes == 1 << 20
    assert after.used_inodes - before.used_inodes == 1
