"""What is at a path is the volume, or it is not there."""

import pytest

from common import errors
from common.tasks import Tasks
from node.records.requests import VolumePath
from tests.integration.node.conftest import Bench, make_bench
from tools.processes.run import run


@pytest.mark.asyncio
@pytest.mark.parametrize(("path", "around"), [("/proc", "/proc"), ("/dev/shm", "/dev"), ("/", "/dev")])
async def test_stats_of_what_is_not_the_drivers_are_not_found(bench: Bench, path: str, around: str) -> None:
    for each in (bench, make_bench(bench.folder, bench.disks, Tasks(), AIOCSI_KUBELET_DIR=around)):
        with pytest.raises(errors.NotFound):
            await each.parts.stats.usage(VolumePath("some-id", path))
        with pytest.raises(errors.NotFound):
            await each.parts.health.of_volume(VolumePath("some-id", path))


@pytest.mark.asyncio
async def test_a_file_system_that_is_mounted_over_a_publish_is_not_the_volumes(bench: Bench) -> None:
    disk = bench.disks.blank()
    await bench.stage(disk)
    target = await bench.publish(disk)
    run("mount", "-t", "tmpfs", "none", str(target))
    try:
        usage = await bench.parts.stats.usage(VolumePath(disk.id, str(target)))
    except errors.NotFound:
        return
    finally:
        run("umount", str(target))
    raise AssertionError(usage)
