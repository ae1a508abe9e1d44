"""Real ext4 with multiple mount protection: in use elsewhere, left by a check, and after the remedy."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from common import errors
from common.tasks import Tasks
from node.codes import Code
from node.formats import superblocks
from node.host.command import Commands
from tests.integration.node.conftest import Bench, make_bench
from tests.integration.node.disks import GIB, Disk, Disks
from tools.processes.run import run

MAKE = ("mkfs.ext4", "-q", "-F", "-O", "mmp", "-E", "mmp_update_interval=1")


@pytest.fixture
def ran() -> list[str]:
    """The programs that the node has run."""
    return []


@pytest_asyncio.fixture
async def bench(volumes: Disks, ran: list[str]) -> AsyncIterator[Bench]:
    """A node's parts."""
    commits = Tasks()
    made = make_bench(
        volumes.folder, volumes, commits, Commands(lambda program, _seconds, _status: ran.append(program))
    )
    yield made
    await commits.settle(30)
    await made.undo()
    await commits.close()


async def is_refused(bench: Bench, disk: Disk, ran: list[str]) -> bool:
    """Tell whether staging is refused, for writing and for reading, before any program but blkid has run."""
    ran.clear()
    refused = []
    for read_only in (False, True):
        with pytest.raises(errors.FailedPrecondition) as caught:
            await bench.parts.staging.stage(replace(bench.stage_request(disk), read_only=read_only))
        refused.append(caught.value.error_code)
    return refused == [Code.USED_ELSEWHERE] * 2 and set(ran) == {"blkid"}


async def is_read(bench: Bench, disk: Disk) -> bool:
    """Tell whether it is staged for reading: before a mount for writing e2fsck waits for 11 s at the least."""
    await bench.parts.staging.stage(replace(bench.stage_request(disk), read_only=True))
    await bench.unstage(disk)
    return True


@pytest.mark.asyncio
async def test_an_ext4_that_is_mounted_through_another_device_is_refused_until_it_is_unmounted(
    bench: Bench, tmp_path: Path, ran: list[str]
) -> None:
    file = bench.disks.file(GIB)
    run(*MAKE, str(file))
    other, disk = bench.disks.attach(bench.disks.alias(file)), bench.disks.attach(file)
    run("mount", other.loop, str(tmp_path))
    try:
        assert await is_refused(bench, disk, ran)
    finally:
        run("umount", str(tmp_path))
    assert await is_read(bench, disk)


@pytest.mark.asyncio
@pytest.mark.parametrize("left", [b"PMM\0PMM\xe2", b"\0"], ids=["a check has left it", "its block is written over"])
async def test_an_ext4_of_which_nobody_knows_who_uses_it_is_left_as_it_is_until_a_person_clears_it(
    bench: Bench, ran: list[str], left: bytes
) -> None:
    file = bench.disks.file(GIB)
    run(*MAKE, str(file))
    with file.open("rb") as image:
        block = superblocks.parse(image.read(superblocks.HEAD_BYTES))
    assert block is not None
    assert block.mmp_at is not None
    with file.open("r+b") as image:
        image.seek(block.mmp_at)
        image.write(left)
    disk = bench.disks.attach(file)
    before = disk.digest()
    assert await is_refused(bench, disk, ran)
    assert disk.digest() == before
    run("tune2fs", "-f", "-E", "clear_mmp", disk.loop)
    assert await is_read(bench, disk)
