"""Disks that do not answer, without an error, for longer than the kernel's own time-out of 30 seconds.

Calls are answered all the same, other volumes are served, and when the disks are back everything settles by itself.
"""

import asyncio
import statistics
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Protocol

import pytest
import pytest_asyncio
from grpclib.const import Status

from csi_proto.csi import v1 as csi
from localcloud.guests.server import DiskServer
from tests.vm.node.conftest import MakeDroplet, MakeVolume
from tests.vm.node.droplet import CALL_SECONDS, NOT_FINAL, Droplet
from tests.vm.node.volumes import GIB, Volume

pytestmark = pytest.mark.asyncio

HANG_SECONDS = 60.0
ANSWER_SECONDS = 90.0  # the node's own limits for programs are 20 and 40 s here
SHORT_SECONDS = 5.0
PROBES = 15
SLOWER = 50  # times that Probe may take while disks hang and guests work; a blocked event loop would take thousands


class MakeServed(Protocol):
    """Gives a volume whose disk can hang, and the process that serves it."""

    async def __call__(self) -> tuple[Volume, DiskServer]: ...


@pytest_asyncio.fixture
async def make_served(make_volume: MakeVolume, make_droplet: MakeDroplet) -> AsyncIterator[MakeServed]:  # noqa: ARG001
    """Make volumes that are served until the droplets have ended."""
    async with AsyncExitStack() as ending:

        async def make() -> tuple[Volume, DiskServer]:
            volume = make_volume()
            server = await ending.enter_async_context(DiskServer(volume.file))
            return replace(volume, socket=server.socket), server

        yield make


async def probe_seconds(droplet: Droplet) -> float:
    """Return how long Probe takes: the median of some."""
    loop, taken = asyncio.get_running_loop(), []
    for _ in range(PROBES):
        begin = loop.time()
        await droplet.call(csi.ProbeRequest())
        taken.append(loop.time() - begin)
    return statistics.median(taken)


async def uptime(droplet: Droplet) -> float:
    """Return the guest's own time, seconds."""
    return float((await droplet.agent.read("/proc/uptime")).split()[0])


async def test_disks_that_hang_for_a_minute_hold_up_nobody_else_and_everything_settles_when_they_are_back(
    make_droplet: MakeDroplet, make_served: MakeServed, make_volume: MakeVolume
) -> None:
    droplet = await make_droplet()
    pid = await droplet.node_pid()
    made = [await make_served() for _ in range(4)]
    fresh, staged, running, leaving = (volume for volume, _ in made)
    growing, other = make_volume(), make_volume()
    await droplet.attach(fresh)
    await droplet.attach(staged)
    await droplet.until_done(staged.stage())
    for volume in (running, leaving, growing):
        await droplet.up(volume)
        await droplet.write_some(volume.target, 1)
    writer = await droplet.write(running.target)
    await writer.until(2)
    await droplet.agent.shell(f"head -c 1000000 /dev/urandom > {leaving.target}/unwritten")
    await droplet.until_done(leaving.unpublish())
    await droplet.drives.resize(growing.name, 2 * GIB)
    usual = await probe_seconds(droplet)

    await droplet.drives.hang(growing.name)  # first: QEMU waits for what is under way on every disk
    for _, server in made:
        server.hang()
    begin = await uptime(droplet)
    calls = (
        fresh.stage(),
        staged.publish(),
        running.stats(),
        running.health(),
        leaving.unstage(),
        growing.expand(2 * GIB),
    )
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(droplet.outcome(call, seconds=ANSWER_SECONDS)) for call in calls]
        await droplet.up(other)
        await droplet.write_some(other.target, 1)
        await droplet.down(other)
        await droplet.until_ill(running, "DeviceHung", HANG_SECONDS)  # before, it owes no answer yet
        meanwhile = await probe_seconds(droplet)
    answers = [task.result() for task in asked]
    async with asyncio.timeout(2 * HANG_SECONDS):
        while await uptime(droplet) < begin + HANG_SECONDS:  # noqa: ASYNC110  # the time itself is what is wanted
            await asyncio.sleep(1)  # noqa: TID251  # the same
    states = await droplet.agent.shell("cat /sys/block/sd?/device/state")
    assert set(states.split()) == {"running"}  # the kernel itself has noticed nothing

    for _, server in made:
        server.go_on()
    await droplet.drives.hold(growing.name, 0)
    for call in calls:
        await droplet.until_done(call)
    await writer.more()
    synced = await writer.kill()
    assert await droplet.node_pid() == pid
    for volume in (fresh, staged, running, growing):
        await droplet.until_done(volume.unpublish())
        await droplet.until_done(volume.unstage())
    for volume in (running, leaving, growing):
        await droplet.drives.detach(volume.name)
        await droplet.up(volume)
    assert await droplet.write_some(running.target, 0) >= synced
    assert [await droplet.write_some(volume.target, 0) for volume in (leaving, growing)] == [1, 1]
    assert meanwhile < SLOWER * usual
    assert {code for code, _ in answers} <= NOT_FINAL | {Status.OK}


async def test_a_node_that_was_killed_while_umount_hung_never_calls_the_volume_unstaged_before_it_is(
    make_droplet: MakeDroplet, make_served: MakeServed
) -> None:
    droplet = await make_droplet()
    volume, server = await make_served()
    await droplet.up(volume)
    await droplet.write_some(volume.target, 1)
    await droplet.agent.shell(f"head -c 1000000 /dev/urandom > {volume.target}/unwritten")
    await droplet.until_done(volume.unpublish())
    server.hang()
    async with asyncio.timeout(CALL_SECONDS):
        while await droplet.mounts(volume):  # until an umount has got into the kernel, where it hangs
            code, _ = await droplet.outcome(volume.unstage(), seconds=SHORT_SECONDS)
            assert code in NOT_FINAL
    await droplet.kill_node()
    assert (await droplet.agent.output("pgrep", "--count", "umount")).strip() == "1"
    await droplet.start_node()
    for _ in range(2):
        assert (await droplet.outcome(volume.unstage(), seconds=SHORT_SECONDS))[0] in NOT_FINAL
    server.go_on()
    await droplet.until_done(volume.unstage())
    opened = "import os, sys; os.open(sys.argv[1], os.O_RDWR | os.O_EXCL)"
    await droplet.agent.output("python3", "-c", opened, volume.link)
    await droplet.drives.detach(volume.name)
    await droplet.up(volume)
    assert await droplet.write_some(volume.target, 0) == 1
    await droplet.agent.output("test", "-s", f"{volume.target}/unwritten")
