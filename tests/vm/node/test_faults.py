"""Disks that answer with I/O errors, and guests that lose their power: refused or repaired, never formatted anew."""

import asyncio
import re

import pytest
from grpclib.const import Status

from tests.vm.conftest import DISK_ERRORS
from tests.vm.node.conftest import MakeDroplet, MakeVolume
from tests.vm.node.droplet import CALL_SECONDS, Droplet
from tests.vm.node.volumes import GIB, MIB, Volume
from tools.processes.program import until

pytestmark = pytest.mark.asyncio

SLOW_BYTES_PER_SECOND = MIB // 4


async def uuid_of(droplet: Droplet, volume: Volume) -> str:
    """Return the UUID of the file system on an attached volume."""
    return await droplet.agent.output("blkid", "-p", "-o", "value", "-s", "UUID", volume.link)


async def broken_off(droplet: Droplet, volume: Volume) -> str:
    """Leave a volume attached whose journal is to be replayed; return the UUID of its file system."""
    await droplet.up(volume)
    identity = await uuid_of(droplet, volume)
    await droplet.write_some(volume.target, 1)
    await droplet.drives.detach(volume.name)
    await droplet.until_done(volume.unpublish())
    await droplet.until_done(volume.unstage())
    await droplet.attach(volume)
    await droplet.agent.shell(f"udevadm wait --timeout=120 {volume.link}; udevadm settle --timeout=120", 250)
    return identity


async def test_errors_while_mkfs_writes_are_told_and_the_volume_is_formatted_when_they_are_over(
    make_droplet: MakeDroplet, make_volume: MakeVolume
) -> None:
    droplet, volume = await make_droplet(), make_volume()
    await droplet.attach(volume)
    await droplet.drives.fail(volume.name, "write")
    code, message = await droplet.refusal(volume.stage())
    assert code is Status.UNAVAILABLE
    assert re.search(rf"{DISK_ERRORS}mkfs\.ext4 on \S+ ended with 1", message), message
    await droplet.drives.fail(volume.name)
    await droplet.until_done(volume.stage())
    await droplet.until_done(volume.publish())
    await droplet.write_some(volume.target, 1)


async def test_a_blank_disk_that_cannot_be_read_is_not_formatted(
    make_droplet: MakeDroplet, make_volume: MakeVolume
) -> None:
    droplet, volume = await make_droplet(), make_volume()
    await droplet.attach(volume)
    await droplet.agent.shell(f"udevadm wait --timeout=120 {volume.link}; udevadm settle --timeout=120", 250)
    await droplet.drives.fail(volume.name, "read")
    await droplet.agent.shell(f"blockdev --flushbufs {volume.link}")
    code, message = await droplet.refusal(volume.stage())
    assert (code, DISK_ERRORS in message, "cannot be read" in message) == (Status.UNAVAILABLE, True, True)
    assert volume.written_bytes() == 0


@pytest.mark.parametrize(("kind", "words"), [("ext4", "the file system of"), ("xfs", "mounting")])
async def test_errors_while_a_journal_is_replayed_are_told_and_nothing_is_formatted(
    make_droplet: MakeDroplet, make_volume: MakeVolume, kind: str, words: str
) -> None:
    droplet, volume = await make_droplet(), make_volume(kind)
    identity = await broken_off(droplet, volume)
    await droplet.drives.fail(volume.name, "write")
    code, message = await droplet.refusal(volume.stage())
    assert (code, f"{DISK_ERRORS}{words}" in message) == (Status.UNAVAILABLE, True), message
    await droplet.drives.fail(volume.name)
    await droplet.until_done(volume.stage())
    await droplet.until_done(volume.publish())
    assert await uuid_of(droplet, volume) == identity
    assert await droplet.write_some(volume.target, 1) == 1


async def test_errors_while_a_file_system_grows_are_told_and_its_data_stays(
    make_droplet: MakeDroplet, make_volume: MakeVolume
) -> None:
    droplet, volume = await make_droplet(), make_volume()
    await droplet.up(volume)
    await droplet.write_some(volume.target, 1)
    identity = await uuid_of(droplet, volume)
    await droplet.drives.resize(volume.name, 2 * GIB)
    await droplet.drives.fail(volume.name, "write")
    code, message = await droplet.refusal(volume.expand(2 * GIB))
    assert code is Status.UNAVAILABLE
    assert re.search(rf"{DISK_ERRORS}resize2fs on \S+ ended with 1", message), message
    await droplet.drives.fail(volume.name)
    await droplet.down(volume)
    await droplet.up(volume)
    await droplet.until_done(volume.expand(2 * GIB))
    assert await uuid_of(droplet, volume) == identity
    assert await droplet.write_some(volume.target, 1) == 1


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs"])
async def test_a_format_that_lost_its_power_is_never_done_anew_over_what_it_left(
    make_droplet: MakeDroplet, make_volume: MakeVolume, kind: str
) -> None:
    first, volume = await make_droplet("a"), make_volume(kind)
    blank = volume.digest()
    await first.attach(volume)
    await first.drives.hold(volume.name, SLOW_BYTES_PER_SECOND, reads=False)
    async with asyncio.timeout(CALL_SECONDS), asyncio.TaskGroup() as group:
        staging = group.create_task(first.until_done(volume.stage()))
        await until(lambda: volume.written_bytes() or None, CALL_SECONDS)
        assert not staging.done()
        staging.cancel()  # the caller goes away; the node works on
        await first.cut_power()
    left = volume.digest()
    second = await make_droplet("b")
    await second.attach(volume)
    code, message = await second.outcome(volume.stage())
    assert code in {Status.OK, Status.FAILED_PRECONDITION}, message
    if code is Status.OK:
        assert left == blank or not await second.has_logged("formatted")
        await second.until_done(volume.publish())
        await second.write_some(volume.target, 1)
        await second.down(volume)
    else:
        assert (volume.id in message, volume.digest()) == (True, left)
