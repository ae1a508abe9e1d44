"""Making, checking and growing file systems, and copies of one on the same node."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from common import errors
from common.format_parameters import FormatOptions
from node.formats import superblocks
from node.host.mounts import read_table
from node.records.requests import Expand, Filesystem, VolumePath
from tests.integration.node import images
from tests.integration.node.conftest import Bench
from tests.integration.node.disks import GIB, Disk
from tools.processes.run import run

KINDS = ["ext2", "ext3", "ext4", "xfs", "btrfs"]


def enlarge(disk: Disk, size_bytes: int) -> None:
    os.truncate(disk.file, size_bytes)
    run("losetup", "--set-capacity", disk.loop)


def room(path: str) -> int:
    usage = os.statvfs(path)
    return usage.f_blocks * usage.f_frsize


async def used(bench: Bench, kind: str) -> Disk:
    """A volume with a file system and data on it, unstaged."""
    disk = bench.disks.blank()
    await bench.stage(disk, kind)
    (Path(bench.staging_path(disk)) / "file").write_text("data")
    await bench.unstage(disk)
    return disk


def data(bench: Bench, disk: Disk) -> str:
    return (Path(bench.staging_path(disk)) / "file").read_text()


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", KINDS)
async def test_a_restored_volume_that_is_larger_than_its_file_system_is_grown_when_it_is_staged(
    bench: Bench, kind: str
) -> None:
    disk = await used(bench, kind)
    enlarge(disk, 2 * GIB)
    await bench.stage(disk, kind)
    assert room(bench.staging_path(disk)) > 1.8 * GIB
    assert data(bench, disk) == "data"


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["xfs", "btrfs"])
async def test_a_restored_volume_that_a_rule_of_the_host_has_mounted_is_grown_all_the_same(
    bench: Bench, kind: str
) -> None:
    disk = await used(bench, kind)
    enlarge(disk, 2 * GIB)
    elsewhere = bench.folder / "elsewhere"
    elsewhere.mkdir()
    run("mount", str(disk.node), str(elsewhere))
    await bench.stage(disk, kind)
    run("umount", str(elsewhere))
    assert room(bench.staging_path(disk)) > 1.8 * GIB
    assert data(bench, disk) == "data"


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["xfs", "btrfs"])
async def test_a_mounted_file_system_is_grown(bench: Bench, kind: str) -> None:
    disk = bench.disks.blank()
    await bench.stage(disk, kind)
    target = await bench.publish(disk, kind)
    enlarge(disk, 2 * GIB)
    for _ in range(2):
        wanted = Expand(VolumePath(disk.id, str(target), bench.staging_path(disk)), 2 * GIB, 0, block=False)
        assert await bench.parts.expansion.expand(wanted) == 2 * GIB
    assert room(str(target)) > 1.8 * GIB


@pytest.mark.asyncio
async def test_a_mounted_ext4_is_grown_or_the_missing_capability_is_named(bench: Bench) -> None:
    disk = bench.disks.blank()
    await bench.stage(disk)
    wanted = Expand(VolumePath(disk.id, bench.staging_path(disk)), 0, 0, block=None)
    assert await bench.parts.expansion.expand(wanted) == GIB
    enlarge(disk, 2 * GIB)
    if bench.host.sysfs.has_capability(24):
        assert await bench.parts.expansion.expand(wanted) == 2 * GIB
        assert room(bench.staging_path(disk)) > 1.8 * GIB
    else:
        with pytest.raises(errors.FailedPrecondition, match="CAP_SYS_RESOURCE"):
            await bench.parts.expansion.expand(wanted)


@pytest.mark.asyncio
async def test_an_expand_waits_for_the_device_and_keeps_to_the_limit(bench: Bench) -> None:
    disk = bench.disks.blank()
    await bench.stage(disk, "xfs")
    place = VolumePath(disk.id, bench.staging_path(disk))
    with pytest.raises(errors.Unavailable, match="not yet"):
        await bench.parts.expansion.expand(Expand(place, 2 * GIB, 0, block=False))
    with pytest.raises(errors.Unavailable, match="more than"):
        await bench.parts.expansion.expand(Expand(place, 0, GIB // 2, block=False))
    with pytest.raises(errors.Unavailable, match="is in use with a file system"):
        await bench.parts.expansion.expand(Expand(place, 0, 0, block=True))
    nowhere = VolumePath(disk.id, "/nowhere")
    assert await bench.parts.expansion.expand(Expand(nowhere, 0, 0, block=False)) == GIB
    await bench.unstage(disk)
    with pytest.raises(errors.NotFound):
        await bench.parts.expansion.expand(Expand(nowhere, 0, 0, block=False))


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["ext4", "xfs"])
async def test_a_journal_that_was_not_replayed_is_replayed(bench: Bench, kind: str) -> None:
    disk = bench.disks.blank()
    await bench.stage(disk, kind)
    (Path(bench.staging_path(disk)) / "file").write_text("data")
    run("sync", "-f", bench.staging_path(disk))
    copy = bench.disks.file(GIB)
    run("cp", "--sparse=always", str(disk.file), str(copy))  # as if the power had failed
    other = bench.disks.attach(copy)
    await bench.stage(other, kind)
    assert data(bench, other) == "data"


@pytest.mark.asyncio
async def test_errors_that_can_be_repaired_safely_are(bench: Bench) -> None:
    disk = await used(bench, "ext4")
    run("debugfs", "-w", "-R", "set_super_value state 2", str(disk.node))  # errors were found
    await bench.stage(disk)
    assert data(bench, disk) == "data"


@pytest.mark.asyncio
async def test_errors_that_only_a_person_can_decide_on_are_refused(bench: Bench) -> None:
    disk = await used(bench, "ext4")
    with disk.node.open("r+b") as device:
        device.seek(4096)
        device.write(b"\xff" * 4096)  # the group descriptors
    error = await bench.refusal(disk)
    assert isinstance(error, errors.FailedPrecondition)
    assert "e2fsck" in str(error)


@pytest.mark.asyncio
async def test_a_copy_of_an_xfs_is_mounted_beside_its_origin(bench: Bench) -> None:
    origin = await used(bench, "xfs")
    copy = bench.disks.file(GIB)
    run("cp", "--sparse=always", str(origin.file), str(copy))
    other = bench.disks.attach(copy)
    for disk in (origin, other):
        await bench.stage(disk, "xfs")
    assert data(bench, other) == "data"


@pytest.mark.asyncio
async def test_a_copy_of_a_btrfs_is_refused_beside_its_origin(bench: Bench) -> None:
    origin = await used(bench, "btrfs")
    copy = bench.disks.file(GIB)
    run("cp", "--sparse=always", str(origin.file), str(copy))
    await bench.stage(origin, "btrfs")
    other = bench.disks.attach(copy)
    assert "is a btrfs copy" in str(await bench.refusal(other, "btrfs"))


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("ext4", FormatOptions(1024, 512, 8192, 5, "data")),
        ("ext2", FormatOptions(block_bytes=2048, label="data")),
        ("ext3", FormatOptions(block_bytes=4096, label="data")),
        ("xfs", FormatOptions(block_bytes=4096, inode_bytes=1024, label="data")),
        ("btrfs", FormatOptions(block_bytes=4096, label="data")),
    ],
)
async def test_a_file_system_is_made_as_its_class_says(bench: Bench, kind: str, options: FormatOptions) -> None:
    disk = bench.disks.blank()
    await bench.parts.staging.stage(replace(bench.stage_request(disk), filesystem=Filesystem(kind, options=options)))
    assert run("blkid", "-p", "-s", "LABEL", "-o", "value", str(disk.node)).strip() == "data"
    assert os.statvfs(bench.staging_path(disk)).f_frsize == options.block_bytes


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", KINDS)
async def test_a_new_file_system_leaves_the_device_sparse(bench: Bench, kind: str) -> None:
    disk = bench.disks.blank(10 * GIB)
    await bench.stage(disk, kind)
    await bench.unstage(disk)
    assert disk.file.stat().st_blocks * 512 < GIB // 2
    with disk.file.open("rb") as file:
        block = superblocks.parse(file.read(superblocks.HEAD_BYTES))
    assert block is not None
    assert block.kind == kind
    assert abs(block.size_bytes - 10 * GIB) < 16 << 20


@pytest.mark.asyncio
async def test_a_reader_gets_its_volume_read_only_and_the_file_system_is_not_changed(bench: Bench) -> None:
    disk = await used(bench, "ext4")
    enlarge(disk, 2 * GIB)
    await bench.parts.staging.stage(replace(bench.stage_request(disk), read_only=True))
    assert data(bench, disk) == "data"
    assert room(bench.staging_path(disk)) < GIB
    with pytest.raises(errors.FailedPrecondition, match="read-only"):
        await bench.publish(disk)
    await bench.parts.publishing.publish(bench.publish_request(disk, read_only=True))


@pytest.mark.asyncio
async def test_a_read_only_device_is_mounted_for_reading_alone(bench: Bench) -> None:
    file = bench.disks.file(GIB)
    images.tool("mkfs.ext4", "-q", "-F")(file)
    disk = bench.disks.attach(file, read_only=True)
    before = disk.digest()
    assert "is read-only, and writing is asked for" in str(await bench.refusal(disk))
    await bench.parts.staging.stage(replace(bench.stage_request(disk), read_only=True))
    await bench.unstage(disk)
    assert disk.digest() == before


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "argv",
    [
        pytest.param(("tune2fs", "-e", "panic"), id="its behaviour on errors"),
        pytest.param(("tune2fs", "-E", "mount_opts=errors=panic"), id="its mount options"),
    ],
)
async def test_a_superblock_that_asks_for_a_panic_does_not_get_it(bench: Bench, argv: tuple[str, ...]) -> None:
    file = bench.disks.file(GIB)
    images.tool("mkfs.ext4", "-q", "-F")(file)
    run(*argv, str(file))
    disk = bench.disks.attach(file)
    await bench.stage(disk)
    staged = read_table().at(bench.staging_path(disk))[-1]
    assert not any("panic" in option for option in staged.super_options)


@pytest.mark.asyncio
async def test_a_superblock_that_sets_an_option_that_no_class_may_set_is_refused(bench: Bench) -> None:
    file = bench.disks.file(GIB)
    images.tool("mkfs.ext4", "-q", "-F")(file)
    run("tune2fs", "-E", "mount_opts=journal_path=/dev/sdb", str(file))
    error = await bench.refusal(bench.disks.attach(file))
    assert "journal_path=/dev/sdb" in str(error)
