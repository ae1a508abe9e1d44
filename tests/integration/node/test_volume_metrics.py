"""Metrics of real volumes, one of which hangs."""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.registry import CollectorRegistry

from common.exposition import Form, render
from common.tasks import Tasks
from csi_proto.csi import v1 as csi
from node.records.state import Staged
from node.volume_metrics import VolumeMetrics
from node.volume_watch import VolumeWatch
from tests.harness.hung import unanswered
from tests.integration.node.conftest import Bench, make_bench
from tests.integration.node.disks import Disk, Disks
from tools.csi.client import Client
from tools.processes.memory import resident_mib
from tools.services.stack import Service

MIB = 1 << 20
SECONDS = 150  # what nobody answered the first time is asked again a minute later
MOST = 15  # volumes that DigitalOcean attaches to a droplet


async def until(come: Callable[[], object]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(SECONDS):
        while not come():  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0.02)  # noqa: TID251  # the same


def figures(registry: CollectorRegistry, disk: Disk) -> dict[str, float]:
    """Return a volume's figures by name."""
    lines = [line.split() for line in render(registry, Form.TEXT).decode().splitlines() if disk.id in line]
    return {name.partition("{")[0]: float(value) for name, value in lines}


@pytest.mark.asyncio
async def test_the_figures_are_those_of_the_volume(bench: Bench) -> None:
    disk, tasks, registry = bench.disks.blank(), Tasks(), CollectorRegistry()
    await bench.stage(disk)
    target = await bench.publish(disk)
    volumes = VolumeWatch(bench.host, bench.parts.stats, bench.parts.health, tasks)
    VolumeMetrics(registry).watch(volumes, bench.host.sysfs, bench.parts.refusals)
    volumes.look()
    await until(volumes.samples)
    before = figures(registry, disk)
    (target / "file").write_bytes(b"x" * 8 * MIB)
    os.sync()
    after = figures(registry, disk)
    assert after["aiocsi_volume_written_bytes_total"] - before["aiocsi_volume_written_bytes_total"] >= 8 * MIB
    assert (
        before["aiocsi_volume_size_bytes"] == os.statvfs(target).f_blocks * os.statvfs(target).f_frsize
    )  # a local folder
    assert not [name for name in after if "health" in name]
    await tasks.close()


@pytest.mark.asyncio
async def test_a_hung_file_system_blocks_neither_the_scrape_nor_the_figures_of_another_volume(bench: Bench) -> None:
    hung, other = bench.disks.blank(), bench.disks.blank()
    tasks, registry = Tasks(), CollectorRegistry()
    target = Path(bench.target(hung))
    target.mkdir(parents=True)  # noqa: ASYNC240  # a local folder
    with unanswered(target):
        number = (await bench.host.mounts.table()).at(str(target))[-1].number
        await bench.host.remember(Staged(hung.id, hung.name, str(target), number, "ext4"))
        await bench.stage(other)
        volumes = VolumeWatch(bench.host, bench.parts.stats, bench.parts.health, tasks)
        VolumeMetrics(registry).watch(volumes, bench.host.sysfs, bench.parts.refusals)
        volumes.look()
        await until(lambda: "aiocsi_volume_used_bytes" in figures(registry, other))
        assert "aiocsi_volume_used_bytes" not in figures(registry, hung)
        await tasks.close()


@pytest.mark.asyncio
async def test_a_node_with_15_volumes_and_their_metrics_takes_33_mib(volumes: Disks) -> None:
    settings = {
        "AIOCSI_DEVICE_DIR": str(volumes.devices),
        "AIOCSI_STATE_DIR": str(volumes.folder / "state"),
        "AIOCSI_KUBELET_DIR": str(volumes.folder),
        "AIOCSI_REGISTRATION_DIR": str(volumes.folder / "registry"),
        "AIOCSI_HTTP_ADDR": "127.0.0.1:0",
    }
    node = Service("node", "node", volumes.folder / "process", settings)
    disks = [volumes.blank() for _ in range(MOST)]
    staged = [disk.asked(str(volumes.folder / "staging" / disk.id)) for disk in disks]
    try:
        await node.up()
        port = json.loads(next(line for line in node.output().splitlines() if '"health"' in line))["address"][0][1]
        async with Client(node.socket) as client:
            for each in staged:
                await client.call(each.stage(), csi.NodeStageVolumeResponse)
            async with asyncio.timeout(SECONDS):
                while (await scraped(port)).count(b"aiocsi_volume_used_bytes{") < MOST:  # noqa: ASYNC110  # the same
                    await asyncio.sleep(0.5)  # noqa: TID251  # the next minute's look
            assert resident_mib(node.pid) <= 33
            for each in staged:
                await client.call(each.unstage(), csi.NodeUnstageVolumeResponse)
    finally:
        node.kill()
        await make_bench(volumes.folder, volumes, Tasks()).undo()


async def scraped(port: int) -> bytes:
    """Return the page."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /metrics HTTP/1.1\r\n\r\n")
    page = await reader.read()
    writer.close()
    return page
