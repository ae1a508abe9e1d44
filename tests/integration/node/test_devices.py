"""Devices that come late, and wrong ones that are replaced."""

import asyncio

import pytest

from common.tasks import Tasks
from tests.integration.node.conftest import Bench, make_bench
from tests.integration.node.disks import Disks
from tools.processes import traces


@pytest.mark.asyncio
async def test_a_device_that_comes_late_is_waited_for(volumes: Disks, bench: Bench) -> None:
    commits = Tasks()
    patient = make_bench(volumes.folder, volumes, commits, AIOCSI_DEVICE_WAIT_SECONDS="30")
    disk = volumes.blank()
    aside = volumes.folder / "aside"
    disk.node.rename(aside)
    asyncio.get_running_loop().call_later(0.2, aside.rename, disk.node)
    await patient.stage(disk)
    assert [mount.device for mount in traces.mounts(bench.folder)] == [disk.number]


@pytest.mark.asyncio
async def test_a_wrong_device_that_is_replaced_by_the_right_one_is_waited_for(volumes: Disks, bench: Bench) -> None:
    commits = Tasks()
    patient = make_bench(volumes.folder, volumes, commits, AIOCSI_DEVICE_WAIT_SECONDS="30")
    disk, other = volumes.blank(), volumes.blank()
    aside = volumes.folder / "aside"
    disk.node.rename(aside)
    disk.node.symlink_to(other.node)
    asyncio.get_running_loop().call_later(0.2, aside.rename, disk.node)
    await patient.stage(disk)
    assert [mount.device for mount in traces.mounts(bench.folder)] == [disk.number]
