"""Devices that come late or look blank for a moment, and who this node is."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from common import errors
from common.metadata import Metadata
from common.tasks import Tasks
from node.host.sysfs import Sysfs
from node.node_info import Info
from node.records.findings import NodeInfo
from node.records.state import Intent
from tests.harness import traces
from tests.integration.node.conftest import Bench, make_bench
from tests.integration.node.disks import Disks


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


@pytest.mark.asyncio
async def test_a_droplet_is_known_by_its_firmware(bench: Bench, tmp_path: Path) -> None:
    for name, value in {"sys_vendor": "DigitalOcean", "product_serial": "4711"}.items():
        path = tmp_path / "class/dmi/id" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{value}\n")
    host = replace(bench.host, sysfs=Sysfs(tmp_path))
    nowhere = Metadata("http://127.0.0.1:1/", "set AIOCSI_NODE_ID")
    assert await Info(host, nowhere, "", "nyc1", 15).get() == NodeInfo("4711", "nyc1", 15)
    (tmp_path / "class/dmi/id/sys_vendor").write_text("QEMU\n")
    with pytest.raises(errors.Unavailable, match="does not answer"):
        await Info(host, nowhere, "", "nyc1", 15).get()
    assert (await Info(host, nowhere, "5", "ams3", 15).get()).node_id == "5"
