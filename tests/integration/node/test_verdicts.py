"""What the node says of real disks that are odd, dead or in use, and what heals them."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from common import errors
from node.records.requests import Expand, Filesystem, Publish, Stage, VolumePath, VolumeSpec
from tests.integration.node.conftest import Bench
from tests.integration.node.disks import GIB, Disk
from tools.processes import traces
from tools.processes.run import run

MIB = 1 << 20
TWO_PARTITIONS = b"label: gpt\n,100M\n,\n"


def raw_stage(bench: Bench, disk: Disk) -> Stage:
    return Stage(VolumeSpec(disk.id, disk.name, raw=True), bench.staging_path(disk), None, read_only=False)


def raw_publish(bench: Bench, disk: Disk, pod: str) -> Publish:
    volume, target = VolumeSpec(disk.id, disk.name, raw=True), bench.target(disk, pod)
    return Publish(volume, bench.staging_path(disk), target, None, read_only=False, alone=False)


@pytest.mark.asyncio
async def test_a_raw_volume_whose_disk_is_mounted_by_somebody_else_is_refused_and_the_mount_named(
    bench: Bench, tmp_path: Path
) -> None:
    disk = bench.disks.blank()
    run("mkfs.ext4", "-q", "-F", disk.loop)
    run("mount", disk.loop, str(tmp_path))
    try:
        with pytest.raises(errors.DriverError, match=str(tmp_path)):
            await bench.parts.staging.stage(raw_stage(bench, disk))
    finally:
        run("umount", str(tmp_path))
    await bench.parts.staging.stage(raw_stage(bench, disk))
    await bench.unstage(disk)


@pytest.mark.asyncio
async def test_whoever_has_mounted_a_partition_of_a_raw_volume_is_named_when_it_is_unstaged(
    bench: Bench, tmp_path: Path
) -> None:
    disk = bench.disks.blank()
    await bench.parts.staging.stage(raw_stage(bench, disk))
    run("sfdisk", "-q", "--no-reread", disk.loop, stdin=TWO_PARTITIONS)
    run("partx", "--add", disk.loop)
    try:
        run("mkfs.ext4", "-q", "-F", f"{disk.loop}p1")
        run("mount", f"{disk.loop}p1", str(tmp_path))
        refusal = str(await bench.unstage_refusal(disk))
        assert re.search(rf"still uses device .*: the mount at {tmp_path}", refusal), refusal
    finally:
        run("umount", f"{disk.loop}p1")
        run("partx", "--delete", disk.loop)
    await bench.unstage(disk)


@pytest.mark.asyncio
async def test_an_ext4_with_a_feature_that_its_check_does_not_know_is_mounted(bench: Bench) -> None:
    disk = bench.disks.blank()
    run("mkfs.ext4", "-q", "-F", str(disk.file))
    run("debugfs", "-w", "-R", "feature FEATURE_C20", str(disk.file))
    await bench.stage(disk)
    await bench.unstage(disk)


@pytest.mark.asyncio
async def test_an_ext4_that_neither_its_check_nor_the_kernel_knows_is_not_said_to_be_damaged(bench: Bench) -> None:
    disk = bench.disks.blank()
    run("mkfs.ext4", "-q", "-F", str(disk.file))
    run("debugfs", "-w", "-R", "feature FEATURE_R20", str(disk.file))
    assert "a feature that is newer than this kernel needs a newer node" in (await bench.refusal(disk)).remedy
    assert not traces.mounts(bench.folder)


@pytest.mark.asyncio
async def test_a_file_system_of_which_a_part_cannot_be_read_is_not_said_to_have_errors(bench: Bench) -> None:
    disk = bench.disks.blank()
    run("mkfs.ext4", "-q", "-F", str(disk.file))
    run("debugfs", "-w", "-R", "ssv state 2", str(disk.file))  # all of it is checked
    run("truncate", "-s", "300M", str(disk.file))
    async with bench.host.devices.hold(VolumeSpec(disk.id, disk.name)) as device:
        with pytest.raises(errors.OutcomeUnknown, match=r"could not be checked: .*Input/output error"):
            await bench.host.filesystems.check("ext4", device, disk.id, marked=True)
    assert "looks like ext4, and is damaged or cannot be read as a whole" in str(await bench.refusal(disk))


@pytest.mark.asyncio
async def test_a_file_system_that_cannot_be_written_to_is_not_taken_for_a_dead_one(bench: Bench) -> None:
    """Else mount(8) would mount the seed of other file systems to be read, and say that it is well."""
    disk = bench.disks.blank()
    run("mkfs.btrfs", "-q", str(disk.file))
    run("btrfstune", "-S", "1", str(disk.file))
    with pytest.raises(errors.OutcomeUnknown, match="write-protected but explicit read-write mode requested"):
        await bench.stage(disk, "btrfs")
    assert not traces.mounts(bench.folder)
    request = replace(bench.stage_request(disk, "btrfs"), filesystem=Filesystem("btrfs", ("ro",)), read_only=True)
    await bench.parts.staging.stage(request)
    await bench.parts.publishing.publish(bench.publish_request(disk, "btrfs", read_only=True))
    await bench.unpublish(disk)
    await bench.unstage(disk)


@pytest.mark.asyncio
@pytest.mark.parametrize("make", [("mkfs.xfs", "-q"), ("mkfs.ext4", "-q", "-F", "-O", "bigalloc")])
async def test_a_file_system_that_cannot_be_grown_is_mounted_as_it_is(bench: Bench, make: tuple[str, ...]) -> None:
    disk = bench.disks.blank(2 * GIB)
    kind = make[0].partition(".")[2]
    run(*make, *(("-d", "size=512m") if kind == "xfs" else ()), str(disk.file), *(() if kind == "xfs" else ("512m",)))
    request = replace(bench.stage_request(disk, kind), filesystem=Filesystem(kind, ("ro",)), read_only=True)
    await bench.parts.staging.stage(request)
    before = disk.digest()
    assert len(traces.mounts(bench.folder)) == 1
    assert await bench.parts.expansion.expand(Expand(VolumePath(disk.id, "/gone"), 0, 0, block=False)) == 2 * GIB
    assert disk.digest() == before
    await bench.unstage(disk)
    await bench.stage(disk, kind)
    await bench.unstage(disk)


@pytest.mark.asyncio
async def test_a_loop_device_that_keeps_a_target_busy_is_named(bench: Bench) -> None:
    disk = bench.disks.blank()
    await bench.stage(disk)
    target = await bench.publish(disk)
    with (target / "image").open("wb") as file:
        file.truncate(MIB)
    loop = run("losetup", "--find", "--show", str(target / "image")).strip()
    try:
        with pytest.raises(errors.Unavailable, match=rf"used by {Path(loop).name} \(on "):
            await bench.unpublish(disk)
    finally:
        run("losetup", "--detach", loop)
    await bench.unpublish(disk)
    await bench.unstage(disk)


@pytest.mark.asyncio
async def test_a_mount_below_a_target_is_named(bench: Bench) -> None:
    disk = bench.disks.blank()
    await bench.stage(disk)
    below = await bench.publish(disk) / "below"
    below.mkdir()
    run("mount", "-t", "tmpfs", "none", str(below))
    try:
        with pytest.raises(errors.Unavailable, match=f"used by the mount at {below}"):
            await bench.unpublish(disk)
    finally:
        run("umount", str(below))
    await bench.unpublish(disk)
    await bench.unstage(disk)


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["ext2", "ext3"])
async def test_an_older_ext_is_mounted_where_ext4_is_asked_for(bench: Bench, kind: str) -> None:
    disk = bench.disks.blank()
    run(f"mkfs.{kind}", "-q", "-F", str(disk.file))
    await bench.stage(disk)
    await bench.publish(disk)
    await bench.unpublish(disk)
    await bench.unstage(disk)
