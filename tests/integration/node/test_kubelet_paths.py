"""Where kubelet may see or put a volume: twice, through a second path, through a link; and what is not ours."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from common import errors
from common.tasks import Tasks
from node.records.requests import VolumePath
from node.records.state import Staged
from tests.integration.node import images
from tests.integration.node.conftest import Bench, make_bench
from tests.integration.node.disks import Disk
from tools.processes import traces
from tools.processes.run import run

OLD = "plugins/kubernetes.io/csi/pv/pvc-1/globalmount"
NEW = "plugins/kubernetes.io/csi/dobs.csi.digitalocean.com/0abc/globalmount"


def made(path: str) -> Path:
    """Make a folder."""
    Path(path).mkdir(parents=True)
    return Path(path)


def link(path: str, to: Path) -> None:
    """Make a link, and the folder that it lies in."""
    Path(path).parent.mkdir(parents=True)
    Path(path).symlink_to(to)


@contextmanager
def mounted(*words: str) -> Iterator[None]:
    """Mount what is no volume at the path that is the last word; unmount it at the end."""
    run("mount", *words)
    try:
        yield
    finally:
        run("umount", words[-1])


async def stage_at(bench: Bench, disk: Disk, path: Path) -> None:
    await bench.parts.staging.stage(replace(bench.stage_request(disk), path=str(path)))


async def unstage_at(bench: Bench, disk: Disk, path: Path) -> None:
    await bench.parts.unstaging.unstage(VolumePath(disk.id, str(path)))


@contextmanager
def seen_twice(folder: Path) -> Iterator[Path]:
    """Yield kubelet's directory under a second path, in the same peer group."""
    first, second = folder / "kubelet", folder / "second"
    for path in (first, second):
        path.mkdir()
    run("mount", "--bind", str(first), str(first))
    run("mount", "--make-shared", str(first))
    run("mount", "--bind", str(first), str(second))
    try:
        yield first
    finally:
        run("umount", str(second))
        run("umount", str(first))


@contextmanager
def no_room(bench: Bench) -> Iterator[None]:
    """Let no record of a staging be written."""
    staged = bench.folder / "state/staged"
    aside = staged.rename(staged.with_name("aside"))
    staged.write_text("no room for a record")
    try:
        yield
    finally:
        staged.unlink()
        aside.rename(staged)


@pytest.mark.asyncio
@pytest.mark.parametrize("order", [(OLD, NEW), (NEW, OLD)], ids=["old path first", "new path first"])
async def test_a_volume_that_is_staged_twice_is_unstaged_twice(bench: Bench, order: tuple[str, str]) -> None:
    disk = bench.disks.blank()
    old, new = bench.folder / OLD, bench.folder / NEW
    await stage_at(bench, disk, old)
    request = replace(bench.publish_request(disk), staging_path=str(old))
    await bench.parts.publishing.publish(request)
    await stage_at(bench, disk, new)
    await unstage_at(bench, disk, bench.folder / order[0])
    record = bench.host.state.read(Staged, disk.id)
    assert record is not None
    assert record.paths == (str(bench.folder / order[1]),)
    with pytest.raises(errors.FailedPrecondition, match="still published"):
        await unstage_at(bench, disk, bench.folder / order[1])
    await bench.unpublish(disk)
    await unstage_at(bench, disk, bench.folder / order[1])
    assert bench.host.state.all(Staged) == ()
    assert traces.mounts(bench.folder) == ()
    assert await bench.host.devices.is_free(disk.number)


@pytest.mark.asyncio
async def test_kubelets_directory_may_be_seen_under_two_paths(bench: Bench) -> None:
    disk = bench.disks.blank()
    with seen_twice(bench.folder) as kubelet:
        await stage_at(bench, disk, kubelet / NEW)
        target = str(kubelet / "pods/1-2/volumes/kubernetes.io~csi/pvc-1/mount")
        request = replace(bench.publish_request(disk), staging_path=str(kubelet / NEW), target=target, alone=True)
        for _ in range(2):
            await bench.parts.publishing.publish(request)
        with pytest.raises(errors.FailedPrecondition, match="still published"):
            await unstage_at(bench, disk, kubelet / NEW)
        await bench.parts.publishing.unpublish(VolumePath(disk.id, target))
        await unstage_at(bench, disk, kubelet / NEW)
    assert traces.mounts(bench.folder) == ()


@pytest.mark.asyncio
async def test_nothing_is_mounted_at_a_link(bench: Bench) -> None:
    disk, victim = bench.disks.blank(), bench.folder / "victim"
    victim.mkdir()
    link(bench.staging_path(disk), victim)
    with pytest.raises(errors.FailedPrecondition, match="symbolic link"):
        await bench.stage(disk)
    run("rm", bench.staging_path(disk))
    await bench.stage(disk)
    link(bench.target(disk), victim)
    with pytest.raises(errors.FailedPrecondition, match="symbolic link"):
        await bench.publish(disk)
    assert [mount.point for mount in traces.mounts(bench.folder)] == [Path(bench.staging_path(disk))]
    await bench.unstage(disk)


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["ext4", ""])
async def test_nothing_is_staged_in_place_of_a_mount_that_is_no_volume(bench: Bench, kind: str) -> None:
    disk = bench.disks.blank()
    path = made(bench.staging_path(disk))
    request = bench.stage_request(disk) if kind else replace(bench.stage_request(disk, raw=True), filesystem=None)
    with mounted("-t", "tmpfs", "none", str(path)):
        (path / "file").write_text("of another program")
        with pytest.raises(errors.AlreadyExists, match=f"is staged at {path}"):
            await bench.parts.staging.stage(request)
        assert (path / "file").read_text() == "of another program"


@pytest.mark.asyncio
async def test_a_dead_file_system_of_another_disk_is_not_taken_away_by_a_stage(bench: Bench) -> None:
    disk, other = bench.disks.blank(), bench.disks.blank()
    run("mkfs.ext4", "-q", "-F", other.loop)
    path = made(bench.staging_path(disk))
    with mounted("-o", "errors=remount-ro", other.loop, str(path)):
        run("tee", f"/sys/fs/ext4/{Path(other.loop).name}/trigger_fs_error", stdin=b"1")
        with pytest.raises(errors.AlreadyExists, match=f"is staged at {path} already, from device {other.number}"):
            await bench.stage(disk)


@pytest.mark.asyncio
@pytest.mark.parametrize("undo", ["unpublish", "unstage"])
async def test_a_mount_that_is_no_volume_is_left_alone(bench: Bench, undo: str) -> None:
    disk = bench.disks.blank()
    path = made(bench.target(disk))
    place = VolumePath(disk.id, str(path))
    with mounted("-t", "tmpfs", "none", str(path)):
        with pytest.raises(errors.FailedPrecondition, match="left alone"):
            await (
                bench.parts.publishing.unpublish(place) if undo == "unpublish" else bench.parts.unstaging.unstage(place)
            )
        assert [mount.point for mount in traces.mounts(bench.folder)] == [path]


@pytest.mark.asyncio
async def test_a_volume_of_another_driver_is_unstaged_though_the_state_directory_is_full(bench: Bench) -> None:
    disk = bench.disks.blank()
    images.tool("mkfs.ext4", "-q", "-F")(disk.node)
    path = made(bench.staging_path(disk))
    run("mount", str(disk.node), str(path))
    with no_room(bench):
        await bench.unstage(disk)
    assert traces.mounts(bench.folder) == ()


@pytest.mark.asyncio
async def test_each_of_two_stagings_is_undone_though_the_state_directory_is_full(bench: Bench) -> None:
    disk = bench.disks.blank()
    for path in (OLD, NEW):
        await stage_at(bench, disk, bench.folder / path)
    with no_room(bench):
        for path in (OLD, NEW):
            await unstage_at(bench, disk, bench.folder / path)
    assert traces.mounts(bench.folder) == ()
    assert bench.host.state.all(Staged) == ()


@pytest.mark.asyncio
@pytest.mark.parametrize("said", [True, False], ids=["the setting", "its default"])
async def test_no_path_out_of_kubelets_directory_is_touched(bench: Bench, *, said: bool) -> None:
    disk = bench.disks.blank()
    tasks = Tasks()
    parts = bench.parts if said else make_bench(bench.folder, bench.disks, tasks, AIOCSI_KUBELET_DIR="").parts
    outside = str(bench.folder.parent / f"outside-{disk.id}")
    publish = replace(bench.publish_request(disk), target=outside)
    calls = (
        partial(parts.staging.stage, replace(bench.stage_request(disk), path=outside)),
        partial(parts.publishing.publish, publish),
        partial(parts.publishing.publish, replace(publish, filesystem=None)),
        partial(parts.publishing.unpublish, VolumePath(disk.id, outside)),
        partial(parts.unstaging.unstage, VolumePath(disk.id, outside)),
    )
    for call in calls:
        with pytest.raises(errors.InvalidArgument, match=f"{outside} does not lie below kubelet's directory"):
            await call()
    assert not os.path.lexists(outside)  # noqa: ASYNC240  # a local path
    await tasks.close()
