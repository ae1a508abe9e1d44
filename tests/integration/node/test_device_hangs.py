"""A device that hangs: writes to it do not come back, programs that wait for them cannot be killed.

The volume's file lies on a file system of its own; while that is frozen (fsfreeze), its loop device hangs. While umount
hangs in the kernel, the mount is gone from mountinfo already.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from common import errors
from common.tasks import Tasks
from node.records.requests import VolumePath
from tests.integration.node.conftest import Bench, make_bench
from tests.integration.node.disks import GIB, Disk, Disks
from tools.processes import traces
from tools.processes.run import run


class Shelf:
    """A file system on a loop device, with a volume's file in it, that can be frozen."""

    def __init__(self, disks: Disks) -> None:
        self._disks = disks
        self.folder = disks.folder / "shelf"
        self.folder.mkdir()
        below = disks.blank(4 * GIB)
        run("mkfs.ext4", "-q", "-F", below.loop)
        run("mount", below.loop, str(self.folder))
        path = self.folder / "0f3c7f2e-1111-4222-8333-444455556666.img"
        with path.open("wb") as file:
            file.truncate(GIB)
        self.disk = disks.attach(path)
        self._frozen = False

    def freeze(self) -> None:
        run("fsfreeze", "--freeze", str(self.folder))
        self._frozen = True

    def thaw(self) -> None:
        if self._frozen:
            run("fsfreeze", "--unfreeze", str(self.folder))
        self._frozen = False

    def close(self) -> None:
        self._disks.detach(self.disk)
        run("umount", str(self.folder))


@pytest.fixture
def shelf(volumes: Disks) -> Iterator[Shelf]:
    """A shelf that is thawed and empty at the end, whatever happens."""
    made = Shelf(volumes)
    yield made
    made.close()


@pytest_asyncio.fixture
async def hasty(volumes: Disks, shelf: Shelf) -> AsyncIterator[Bench]:
    """A node that waits for no program longer than two seconds."""
    commits = Tasks()
    made = make_bench(volumes.folder, volumes, commits, AIOCSI_COMMAND_SECONDS="2", AIOCSI_FORMAT_SECONDS="2")
    yield made
    shelf.thaw()
    await at_last(made, shelf.disk)
    await commits.close()


async def at_last(bench: Bench, disk: Disk) -> None:
    """Unstage, once what hung has ended."""
    async with asyncio.timeout(30):
        while True:
            try:
                await bench.unstage(disk)
            except errors.NotFinal:
                await asyncio.sleep(0.05)  # noqa: TID251  # the sidecar's back-off
            else:
                return


async def staged_with_unwritten_data(bench: Bench, disk: Disk) -> None:
    await bench.stage(disk)
    (Path(bench.staging_path(disk)) / "file").write_bytes(b"data" * 100_000)


async def asked_for_something(disk: Disk) -> None:
    """Return when the disk has a command to answer."""
    inflight = Path("/sys/class/block", Path(disk.loop).name, "inflight")
    async with asyncio.timeout(30):
        while inflight.read_text().split() == ["0", "0"]:  # noqa: ASYNC110, ASYNC240  # nobody tells; /sys
            await asyncio.sleep(0.02)  # noqa: TID251  # the same


@pytest.mark.asyncio
async def test_while_umount_hangs_the_volume_is_not_said_to_be_unstaged(hasty: Bench, shelf: Shelf) -> None:
    disk = shelf.disk
    await staged_with_unwritten_data(hasty, disk)
    shelf.freeze()
    with pytest.raises(errors.OutcomeUnknown, match=r"umount on \S+ did not end"):
        await hasty.unstage(disk)
    with pytest.raises(errors.Busy):
        await hasty.unstage(disk)


@pytest.mark.asyncio
async def test_a_node_that_was_started_anew_asks_the_device_and_not_the_mounts(hasty: Bench, shelf: Shelf) -> None:
    disk = shelf.disk
    await staged_with_unwritten_data(hasty, disk)
    shelf.freeze()
    with pytest.raises(errors.OutcomeUnknown):
        await hasty.unstage(disk)
    assert hasty.staging_path(disk) not in {str(mount.point) for mount in traces.mounts(hasty.folder)}
    commits = Tasks()
    again = make_bench(hasty.folder, hasty.disks, commits)
    with pytest.raises(errors.NotFinal):
        await again.unstage_within(disk, seconds=3)
    shelf.thaw()
    await at_last(again, disk)
    await again.stage(disk)
    assert (Path(again.staging_path(disk)) / "file").read_bytes() == b"data" * 100_000
    await again.unstage(disk)
    await commits.close()


@pytest.mark.asyncio
async def test_other_volumes_go_on_while_one_hangs(hasty: Bench, shelf: Shelf) -> None:
    hung, other = shelf.disk, hasty.disks.blank()
    await staged_with_unwritten_data(hasty, hung)
    shelf.freeze()
    with pytest.raises(errors.OutcomeUnknown):
        await hasty.unstage(hung)
    await hasty.stage(other)
    assert (await hasty.parts.stats.usage(VolumePath(other.id, hasty.staging_path(other)))).total_bytes > 0
    await hasty.unstage(other)


@pytest.mark.asyncio
async def test_a_format_that_hangs_is_answered_and_done_again_later(hasty: Bench, shelf: Shelf) -> None:
    shelf.freeze()
    assert "made no progress for 2 s" in str(await hasty.refusal(shelf.disk))
    with pytest.raises(errors.Busy):
        await hasty.stage(shelf.disk)
    shelf.thaw()
    await at_last(hasty, shelf.disk)
    await hasty.stage(shelf.disk)


@pytest.mark.asyncio
async def test_health_tells_of_a_disk_that_owes_answers_and_not_once_it_has_given_them(
    hasty: Bench, shelf: Shelf
) -> None:
    place = VolumePath(shelf.disk.id, hasty.staging_path(shelf.disk))
    await staged_with_unwritten_data(hasty, shelf.disk)
    shelf.freeze()
    async with asyncio.TaskGroup() as programs:
        programs.create_task(asyncio.to_thread(run, "sync", "--file-system", place.path))
        await asked_for_something(shelf.disk)
        health = hasty.parts.health
        of_volume, of_storage = await asyncio.gather(health.of_volume(place), health.of_storage())
        assert [found.reason for found in of_volume] == ["DeviceHung"]
        assert [found.reason for found in of_storage] == ["DevicesHang"]
        shelf.thaw()
    assert await hasty.parts.health.of_volume(place) == ()
    assert await hasty.parts.health.of_storage() == ()
