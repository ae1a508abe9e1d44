"""A device is formatted when it stays blank for a while."""

import asyncio
import os

import pytest

from common import errors
from common.tasks import Tasks
from node.records.state import Intent
from tests.integration.node.conftest import Bench, make_bench
from tests.integration.node.disks import Disks
from tools.processes import traces


@pytest.mark.asyncio
async def test_data_that_shows_up_in_the_pause_before_a_format_is_not_formatted(volumes: Disks, bench: Bench) -> None:
    commits = Tasks()
    careful = make_bench(volumes.folder, volumes, commits, AIOCSI_BLANK_SETTLE_SECONDS="3")
    disk = volumes.blank()
    staging = commits.background(careful.refusal(disk), "staging")
    async with asyncio.timeout(30):
        while not careful.host.state.all(Intent):  # noqa: ASYNC110  # the node's own state: there is no event
            await asyncio.sleep(0.01)  # noqa: TID251  # the same
    with disk.node.open("r+b", buffering=0) as device:
        device.write(b"data")
        os.fsync(device.fileno())
    before = disk.digest()
    error = await staging
    assert isinstance(error, errors.FailedPrecondition)
    assert disk.digest() == before
    assert careful.host.state.all(Intent) == ()
    assert traces.mounts(bench.folder) == ()


@pytest.mark.asyncio
async def test_a_volume_that_stays_blank_is_formatted_after_the_pause(volumes: Disks, bench: Bench) -> None:
    commits = Tasks()
    careful = make_bench(volumes.folder, volumes, commits, AIOCSI_BLANK_SETTLE_SECONDS="0.1")
    await careful.stage(volumes.blank())
    assert len(traces.mounts(bench.folder)) == 1
