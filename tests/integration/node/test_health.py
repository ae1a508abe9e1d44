"""Health of a volume: what ails it is told, and nothing else."""

import asyncio
import os
from contextlib import suppress

import pytest

from node.records.requests import VolumePath
from tests.integration.node.conftest import Bench
from tools.processes import traces


@pytest.mark.asyncio
async def test_stats_and_health_at_once_do_not_take_each_other_for_a_fault(bench: Bench) -> None:
    disk = bench.disks.blank()
    await bench.stage(disk)
    place = VolumePath(disk.id, str(await bench.publish(disk)))
    for _ in range(10):
        first, second, _, _ = await asyncio.gather(
            *(bench.parts.health.of_volume(place) for _ in range(2)),
            *(bench.parts.stats.usage(place) for _ in range(2)),
        )
        assert (first, second) == ((), ())


pytestmark = pytest.mark.every_python  # each version starts and ends programs in its own way


@pytest.mark.asyncio
async def test_a_device_that_fails_under_its_mount_is_reported_and_unstaged(bench: Bench) -> None:
    disk = bench.disks.blank()
    await bench.stage(disk)
    target = await bench.publish(disk)
    place = VolumePath(disk.id, str(target))
    assert await bench.parts.health.of_volume(place) == ()
    os.truncate(disk.file, 0)  # every read and write behind the end of the file is an I/O error
    with suppress(OSError):  # the kernel may have made the file system read-only by now
        (target / "file").write_bytes(b"x" * 4096)
    os.sync()
    assert {found.severity for found in await bench.parts.health.of_volume(place)} & {"degraded", "inaccessible"}
    await bench.unpublish(disk)
    await bench.unstage(disk)
    assert traces.mounts(bench.folder) == ()
