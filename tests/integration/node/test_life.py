"""A volume's life on the node, with each file system: real mkfs, real mounts, real data."""

import os
from pathlib import Path

import pytest

from common import errors
from node.host.paths import block_number
from node.records.requests import Publish, Stage, VolumePath, VolumeSpec
from tests.integration.node.conftest import Bench
from tests.integration.node.disks import GIB, Disk
from tools.processes import traces

KINDS = ["ext3", "ext4", "xfs", "btrfs"]


def blocks(disk: Disk, bench: Bench, *, read_only: bool = False) -> tuple[Stage, Publish]:
    volume = VolumeSpec(disk.id, disk.name)
    staging_path, target = bench.staging_path(disk), bench.target(disk)
    return (
        Stage(volume, staging_path, None, read_only=read_only),
        Publish(volume, staging_path, target, None, read_only=read_only, alone=False),
    )


def is_gone(path: str) -> bool:
    return not os.path.lexists(path)


def write_to_device(path: str) -> None:
    """Raises PermissionError if the kernel refuses: older ones at the open, newer ones at the write."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, b"data")
    finally:
        os.close(descriptor)


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", KINDS)
async def test_data_survives_a_volumes_whole_way_through_the_node_twice(bench: Bench, kind: str) -> None:
    disk = bench.disks.blank()
    await bench.stage(disk, kind)
    (await bench.publish(disk, kind) / "file").write_text("data")
    await bench.unpublish(disk)
    await bench.unstage(disk)
    assert traces.mounts(bench.folder) == ()
    await bench.stage(disk, kind)
    assert (await bench.publish(disk, kind) / "file").read_text() == "data"


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", KINDS)
async def test_every_step_may_be_repeated(bench: Bench, kind: str) -> None:
    disk = bench.disks.blank()
    for _ in range(2):
        await bench.stage(disk, kind)
    for _ in range(2):
        await bench.publish(disk, kind)
    assert [mount.device for mount in traces.mounts(bench.folder)] == [traces.mounts(bench.folder)[0].device] * 2
    for _ in range(2):
        await bench.unpublish(disk)
    for _ in range(2):
        await bench.unstage(disk)
    assert traces.mounts(bench.folder) == ()


@pytest.mark.asyncio
async def test_a_read_only_publish_cannot_be_written_to(bench: Bench) -> None:
    disk = bench.disks.blank()
    await bench.stage(disk)
    await bench.parts.publishing.publish(bench.publish_request(disk, read_only=True))
    with pytest.raises(OSError, match="Read-only"):
        (Path(bench.target(disk)) / "file").write_text("data")


@pytest.mark.asyncio
async def test_a_raw_block_volume_is_published_as_its_device_and_never_formatted(bench: Bench) -> None:
    disk = bench.disks.blank()
    stage, publish = blocks(disk, bench)
    before = disk.digest()
    for _ in range(2):
        await bench.parts.staging.stage(stage)
        await bench.parts.publishing.publish(publish)
    assert block_number(publish.target) == disk.number
    assert (await bench.parts.stats.usage(VolumePath(disk.id, publish.target))).total_bytes == GIB
    for _ in range(2):
        await bench.unpublish(disk)
        await bench.unstage(disk)
    assert disk.digest() == before
    assert is_gone(publish.target)


@pytest.mark.asyncio
async def test_a_read_only_raw_block_volume_refuses_writes_and_is_writable_again_later(bench: Bench) -> None:
    disk = bench.disks.blank()
    stage, publish = blocks(disk, bench, read_only=True)
    await bench.parts.staging.stage(stage)
    await bench.parts.publishing.publish(publish)
    with pytest.raises(PermissionError):
        write_to_device(publish.target)
    await bench.unpublish(disk)
    await bench.unstage(disk)
    stage, publish = blocks(disk, bench)
    await bench.parts.staging.stage(stage)
    await bench.parts.publishing.publish(publish)
    write_to_device(publish.target)


@pytest.mark.asyncio
async def test_a_volume_that_is_still_published_is_not_unstaged(bench: Bench) -> None:
    disk = bench.disks.blank()
    await bench.stage(disk)
    await bench.publish(disk)
    with pytest.raises(errors.FailedPrecondition, match="still published"):
        await bench.unstage(disk)
