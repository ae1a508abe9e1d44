"""Calls that do not fit what is there: each a clear refusal, and nothing changes."""

import asyncio
import fcntl
import os
from dataclasses import replace
from pathlib import Path

import pytest

from common import errors
from node.host import paths, processes
from node.host.command import Commands
from node.records.requests import Filesystem, Publish, Stage, VolumePath, VolumeSpec
from node.records.state import Intent, Published, Staged
from tests.integration.node import images
from tests.integration.node.conftest import Bench
from tests.integration.node.disks import GIB, Disk
from tools.processes import traces
from tools.processes.program import until
from tools.processes.run import run


def table(bench: Bench) -> list[str]:
    return [mount.line for mount in traces.mounts(bench.folder)]


def raw_stage(bench: Bench, disk: Disk) -> Stage:
    return Stage(VolumeSpec(disk.id, disk.name), bench.staging_path(disk), None, read_only=False)


def raw_publish(bench: Bench, disk: Disk, pod: str = "pod", *, read_only: bool = False, alone: bool = False) -> Publish:
    target = bench.target(disk, pod)
    return Publish(
        VolumeSpec(disk.id, disk.name), bench.staging_path(disk), target, None, read_only=read_only, alone=alone
    )


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"filesystem": Filesystem("xfs")}, id="another file system"),
        pytest.param({"filesystem": Filesystem("ext4", ("noatime",))}, id="another flag of the mount"),
        pytest.param({"filesystem": Filesystem("ext4", ("commit=30",))}, id="another option of the file system"),
        pytest.param({"read_only": True}, id="for reading"),
        pytest.param({"filesystem": None}, id="as a raw block device"),
    ],
)
async def test_a_repeated_stage_with_other_arguments_is_refused(bench: Bench, changed: dict[str, object]) -> None:
    disk = bench.disks.blank()
    await bench.stage(disk)
    before = table(bench)
    with pytest.raises(errors.AlreadyExists):
        await bench.parts.staging.stage(replace(bench.stage_request(disk), **changed))  # type: ignore[arg-type]  # named above
    assert table(bench) == before


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"read_only": True}, id="for reading"),
        pytest.param({"filesystem": Filesystem("ext4", ("nosuid",))}, id="another flag"),
    ],
)
async def test_a_repeated_publish_with_other_arguments_is_refused(bench: Bench, changed: dict[str, object]) -> None:
    disk = bench.disks.blank()
    await bench.stage(disk)
    await bench.publish(disk)
    before = table(bench)
    with pytest.raises(errors.AlreadyExists):
        await bench.parts.publishing.publish(replace(bench.publish_request(disk), **changed))  # type: ignore[arg-type]  # named above
    assert table(bench) == before


@pytest.mark.asyncio
async def test_a_staging_path_with_another_volumes_mount_is_refused(bench: Bench) -> None:
    first, second = bench.disks.blank(), bench.disks.blank()
    await bench.stage(first)
    with pytest.raises(errors.AlreadyExists, match="from device"):
        await bench.parts.staging.stage(replace(bench.stage_request(second), path=bench.staging_path(first)))
    with pytest.raises(errors.FailedPrecondition, match="not a staging path"):
        await bench.parts.unstaging.unstage(VolumePath(second.id, bench.staging_path(first)))
    assert len(table(bench)) == 1


@pytest.mark.asyncio
async def test_a_device_that_is_mounted_for_another_volume_is_refused(bench: Bench) -> None:
    disk = bench.disks.blank()
    await bench.stage(disk)
    link = disk.node.with_name(f"scsi-0DO_Volume_{disk.id}")  # its file is named so, too
    link.symlink_to(disk.node)
    other = replace(
        bench.stage_request(disk), volume=VolumeSpec("another-id", disk.id), path=str(bench.folder / "other")
    )
    with pytest.raises(errors.FailedPrecondition, match="for another volume"):
        await bench.parts.staging.stage(other)


@pytest.mark.asyncio
async def test_a_single_writer_is_alone(bench: Bench) -> None:
    disk = bench.disks.blank()
    await bench.stage(disk)
    await bench.publish(disk, pod="first")
    second = bench.publish_request(disk, pod="second")
    with pytest.raises(errors.FailedPrecondition, match="single writer"):
        await bench.parts.publishing.publish(replace(second, alone=True))
    await bench.parts.publishing.publish(second)
    await bench.unpublish(disk, "first")
    await bench.unpublish(disk, "second")
    for _ in range(2):
        await bench.parts.publishing.publish(replace(second, alone=True))


@pytest.mark.asyncio
async def test_a_single_writer_of_a_raw_block_device_is_alone_and_readers_do_not_mix_with_writers(bench: Bench) -> None:
    disk = bench.disks.blank()
    await bench.parts.staging.stage(raw_stage(bench, disk))
    await bench.parts.publishing.publish(raw_publish(bench, disk, "first"))
    with pytest.raises(errors.FailedPrecondition, match="single writer"):
        await bench.parts.publishing.publish(raw_publish(bench, disk, "second", alone=True))
    with pytest.raises(errors.FailedPrecondition, match="one or the other"):
        await bench.parts.publishing.publish(raw_publish(bench, disk, "second", read_only=True))
    with pytest.raises(errors.AlreadyExists, match="for writing"):
        await bench.parts.publishing.publish(raw_publish(bench, disk, "first", read_only=True))
    with pytest.raises(errors.AlreadyExists, match="raw block device"):
        await bench.stage(disk)
    with pytest.raises(errors.FailedPrecondition, match="still published"):
        await bench.unstage(disk)


@pytest.mark.asyncio
async def test_a_format_that_was_begun_is_not_taken_up_after_the_device_was_given_out_raw(bench: Bench) -> None:
    disk = bench.disks.blank()
    facts = await bench.host.facts(disk.number)
    assert facts is not None
    begun = Intent(disk.id, "ext4", facts.size_bytes, bench.host.sysfs.boot(), facts.sequence)
    await bench.host.remember(begun, sync=True)
    await bench.parts.staging.stage(raw_stage(bench, disk))
    disk.node.write_bytes(b"rows of a database")
    await bench.unstage(disk)
    before = disk.digest()
    assert "data without a signature at byte 0" in str(await bench.refusal(disk))
    assert disk.digest() == before


@pytest.mark.asyncio
async def test_a_volume_that_is_not_staged_is_not_published(bench: Bench) -> None:
    disk = bench.disks.blank()
    with pytest.raises(errors.FailedPrecondition, match="not staged"):
        await bench.publish(disk)
    with pytest.raises(errors.FailedPrecondition, match="not staged"):
        await bench.parts.publishing.publish(raw_publish(bench, disk))
    assert not os.path.lexists(bench.target(disk))  # noqa: ASYNC240  # a local folder


@pytest.mark.asyncio
async def test_a_volume_staged_by_somebody_else_as_a_mount_is_not_given_out_raw(bench: Bench) -> None:
    disk = bench.disks.blank()
    images.tool("mkfs.ext4", "-q", "-F")(disk.node)
    elsewhere = bench.folder / "elsewhere"
    elsewhere.mkdir()
    run("mount", str(disk.node), str(elsewhere))
    with pytest.raises(errors.FailedPrecondition, match="is mounted at"):
        await bench.parts.staging.stage(raw_stage(bench, disk))


@pytest.mark.asyncio
async def test_a_volume_that_something_has_mounted_elsewhere_is_mounted_a_second_time_and_not_checked(
    bench: Bench,
) -> None:
    disk = bench.disks.blank()
    images.tool("mkfs.ext4", "-q", "-F")(disk.node)
    elsewhere = bench.folder / "elsewhere"
    elsewhere.mkdir()
    run("mount", str(disk.node), str(elsewhere))  # as an udev rule of stock images does
    await bench.stage(disk)
    assert {mount.device for mount in traces.mounts(bench.folder)} == {disk.number}
    run("umount", str(elsewhere))
    await bench.unstage(disk)


@pytest.mark.asyncio
async def test_a_volume_that_another_driver_has_staged_and_published_is_taken_over(bench: Bench) -> None:
    disk = bench.disks.blank()
    images.tool("mkfs.ext4", "-q", "-F")(disk.node)
    staging_path, target = Path(bench.staging_path(disk)), Path(bench.target(disk))
    for path in (staging_path, target):
        path.mkdir(parents=True)  # a local folder
    run("mount", str(disk.node), str(staging_path))
    run("mount", "--bind", str(staging_path), str(target))
    await bench.stage(disk)
    await bench.publish(disk)
    assert (await bench.parts.stats.usage(VolumePath(disk.id, str(target)))).total_bytes > 0
    await bench.unpublish(disk)
    await bench.unstage(disk)
    assert table(bench) == []


def published_raw_by_another(bench: Bench, disk: Disk, pod: str) -> Path:
    """Leave what csi-digitalocean leaves of a raw block volume: kubelet's folder, and a bind mount of the device."""
    staging_path, target = Path(bench.staging_path(disk)), Path(bench.target(disk, pod))
    for folder in (staging_path, target.parent):
        folder.mkdir(parents=True)
    target.touch()
    run("mount", "--bind", str(disk.node), str(target))
    return staging_path


@pytest.mark.asyncio
async def test_a_raw_volume_that_another_driver_has_staged_is_given_to_one_more_pod_and_taken_back(
    bench: Bench,
) -> None:
    disk = bench.disks.blank()
    staging_path = published_raw_by_another(bench, disk, "theirs")
    await bench.parts.publishing.publish(raw_publish(bench, disk, "ours"))
    assert {paths.block_number(bench.target(disk, pod)) for pod in ("theirs", "ours")} == {disk.number}
    for pod in ("theirs", "ours"):
        await bench.unpublish(disk, pod)
    await bench.unstage(disk)
    assert table(bench) == []
    staging_path.rmdir()  # as kubelet does then
    with pytest.raises(errors.FailedPrecondition, match="not staged"):
        await bench.parts.publishing.publish(raw_publish(bench, disk, "late"))


async def is_read_only(bench: Bench, disk: Disk) -> bool:
    facts = await bench.host.facts(disk.number)
    return facts is not None and facts.read_only


@pytest.mark.asyncio
async def test_a_raw_volume_that_another_driver_has_given_out_is_not_made_read_only_under_its_pod(bench: Bench) -> None:
    disk = bench.disks.blank()
    published_raw_by_another(bench, disk, "theirs")
    with pytest.raises(errors.FailedPrecondition, match=f"published for writing at {bench.target(disk, 'theirs')}"):
        await bench.parts.publishing.publish(raw_publish(bench, disk, "ours", read_only=True))
    assert not await is_read_only(bench, disk)
    await bench.unpublish(disk, "theirs")


@pytest.mark.asyncio
async def test_a_device_that_no_record_says_we_made_read_only_is_made_writable_by_a_person_alone(bench: Bench) -> None:
    disk = bench.disks.blank()
    await bench.parts.staging.stage(raw_stage(bench, disk))
    await bench.parts.publishing.publish(raw_publish(bench, disk, read_only=True))
    for kind, key in ((Staged, disk.id), (Published, bench.target(disk))):
        await bench.host.forget(kind, key)
    await bench.parts.staging.stage(raw_stage(bench, disk))
    with pytest.raises(errors.FailedPrecondition, match="published read-only at"):
        await bench.parts.publishing.publish(raw_publish(bench, disk, "second"))
    await bench.unpublish(disk)
    with pytest.raises(errors.FailedPrecondition, match=r"is read-only.*blockdev --setrw"):
        await bench.parts.publishing.publish(raw_publish(bench, disk, "second"))
    assert await is_read_only(bench, disk)
    run("blockdev", "--setrw", disk.loop)
    await bench.parts.publishing.publish(raw_publish(bench, disk, "second"))


@pytest.mark.asyncio
async def test_a_disk_that_is_read_only_itself_is_not_given_out_for_writing(bench: Bench) -> None:
    disk = bench.disks.attach(bench.disks.file(GIB), read_only=True)
    await bench.parts.staging.stage(raw_stage(bench, disk))
    with pytest.raises(errors.FailedPrecondition, match="is read-only"):
        await bench.parts.publishing.publish(raw_publish(bench, disk))


@pytest.mark.asyncio
async def test_a_volume_that_another_driver_has_mounted_is_not_given_out_raw(bench: Bench) -> None:
    disk = bench.disks.blank()
    images.tool("mkfs.ext4", "-q", "-F")(disk.node)
    staging_path = Path(bench.staging_path(disk))
    staging_path.mkdir(parents=True)  # noqa: ASYNC240  # a local folder
    run("mount", str(disk.node), str(staging_path))
    with pytest.raises(errors.AlreadyExists, match="with a file system"):
        await bench.parts.publishing.publish(raw_publish(bench, disk))
    run("umount", str(staging_path))


@pytest.mark.asyncio
async def test_a_target_that_holds_files_is_not_removed(bench: Bench) -> None:
    disk = bench.disks.blank()
    target = Path(bench.target(disk))
    target.mkdir(parents=True)  # noqa: ASYNC240  # a local folder
    (target / "file").write_text("data")
    with pytest.raises(errors.FailedPrecondition, match="not empty"):
        await bench.unpublish(disk)
    assert (target / "file").read_text() == "data"


def written(path: str) -> Path:
    """Make a file that is not empty, and the folder that it lies in."""
    Path(path).parent.mkdir(parents=True)
    Path(path).write_text("of another program")
    return Path(path)


@pytest.mark.asyncio
async def test_a_raw_volume_is_not_published_at_a_file_that_is_not_empty(bench: Bench) -> None:
    """Its unpublish would refuse to remove the file."""
    disk = bench.disks.blank()
    volume, target = VolumeSpec(disk.id, disk.name, raw=True), written(bench.target(disk))
    await bench.parts.staging.stage(Stage(volume, bench.staging_path(disk), None, read_only=False))
    request = Publish(volume, bench.staging_path(disk), str(target), None, read_only=False, alone=False)
    with pytest.raises(errors.FailedPrecondition, match="is there already, and is not an empty file"):
        await bench.parts.publishing.publish(request)
    await bench.unstage(disk)
    assert target.stat().st_size > 0


@pytest.mark.asyncio
async def test_a_staging_path_is_not_unpublished_and_a_target_is_not_unstaged(bench: Bench) -> None:
    disk = bench.disks.blank()
    await bench.stage(disk)
    await bench.publish(disk)
    before = table(bench)
    with pytest.raises(errors.FailedPrecondition):
        await bench.parts.publishing.unpublish(VolumePath(disk.id, bench.staging_path(disk)))
    with pytest.raises(errors.FailedPrecondition):
        await bench.parts.unstaging.unstage(VolumePath(disk.id, bench.target(disk)))
    assert table(bench) == before


@pytest.mark.asyncio
async def test_a_folder_that_is_mounted_private_is_refused(bench: Bench) -> None:
    disk = bench.disks.blank()
    inside = bench.folder / "plugins"
    inside.mkdir()
    run("mount", "--bind", str(inside), str(inside))
    run("mount", "--make-private", str(inside))
    before = disk.digest()
    assert "not mounted shared" in str(await bench.refusal(disk))
    assert disk.digest() == before


@pytest.mark.asyncio
async def test_a_path_through_a_link_is_the_path_that_it_leads_to(bench: Bench) -> None:
    disk = bench.disks.blank()
    (bench.folder / "real").mkdir()
    (bench.folder / "plugins").symlink_to(bench.folder / "real")
    for _ in range(2):
        await bench.stage(disk)
    assert [mount.point.parts[-3] for mount in traces.mounts(bench.folder)] == ["real"]
    for _ in range(2):
        await bench.unstage(disk)
    assert table(bench) == []


@pytest.mark.asyncio
async def test_stats_and_health_of_a_volume_that_is_not_there_are_not_found(bench: Bench) -> None:
    first, second = bench.disks.blank(), bench.disks.blank()
    await bench.stage(first)
    for place in (VolumePath(first.id, bench.target(first)), VolumePath(second.id, bench.staging_path(first))):
        with pytest.raises(errors.NotFound):
            await bench.parts.stats.usage(place)
        with pytest.raises(errors.NotFound):
            await bench.parts.health.of_volume(place)


@pytest.mark.asyncio
async def test_flags_reach_the_mounts(bench: Bench) -> None:
    disk = bench.disks.blank(GIB)
    filesystem = Filesystem("ext4", ("noatime", "nosuid", "commit=30"))
    for _ in range(2):
        await bench.parts.staging.stage(replace(bench.stage_request(disk), filesystem=filesystem))
        await bench.parts.publishing.publish(replace(bench.publish_request(disk), filesystem=filesystem))
    lines = table(bench)
    assert len(lines) == 2
    assert all("noatime" in line and "nosuid" in line and "commit=30" in line for line in lines)


@pytest.mark.asyncio
async def test_a_device_that_udev_has_locked_is_claimed_once_its_rules_have_run(bench: Bench) -> None:
    disk = bench.disks.blank()
    with disk.node.open("rb") as udev:
        fcntl.flock(udev, fcntl.LOCK_SH)
        asyncio.get_running_loop().call_later(1.5, fcntl.flock, udev, fcntl.LOCK_UN)
        await bench.stage(disk)
    assert len(table(bench)) == 1


@pytest.mark.asyncio
async def test_a_device_that_the_kernel_looks_for_partitions_on_is_claimed_after_that(bench: Bench) -> None:
    disk = bench.disks.blank()
    claimed = os.open(disk.node, os.O_RDONLY | os.O_EXCL)
    asyncio.get_running_loop().call_later(0.4, os.close, claimed)
    await bench.stage(disk)
    assert len(table(bench)) == 1


@pytest.mark.asyncio
async def test_a_device_is_left_alone_while_a_program_begun_before_a_restart_works_on_it(bench: Bench) -> None:
    disk = bench.disks.blank()
    async with bench.host.devices.hold(VolumeSpec(disk.id, disk.name)) as device:
        async with bench.host.prober.exclusively(device) as claimed:
            assert claimed
        left = asyncio.ensure_future(  # noqa: TID251  # the program outlives the claim
            Commands().run("sleep", "60", seconds=90, files=(device.descriptor,))
        )
        await until(lambda: "sleep" in " ".join(processes.users(device.path)) or None, 30)
    with pytest.raises(errors.Unavailable, match="in use by sleep"):
        await bench.stage(disk)
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    await bench.stage(disk)
    assert len(table(bench)) == 1
