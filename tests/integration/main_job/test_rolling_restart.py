"""A rolling restart under load: SIGTERM while twenty calls are in flight."""

import asyncio
import signal
from collections.abc import Awaitable, Sequence
from pathlib import Path

import pytest
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from tools.csi import kubelet
from tools.csi.client import Client
from tools.csi.life import Life
from tools.services.stack import Service, running

pytestmark = [
    pytest.mark.every_python,
    pytest.mark.timeout(180),  # two sets of services, on a machine that may be busy
]

CALLS = 20
CLOUD = ("--rate-hour=0", "--rate-minute=0", f"--droplet-volumes={CALLS}", "--action-latency=0")


async def answer(call: Awaitable[object], first: asyncio.Event) -> Status:
    """Return the status that answers the call, and say that there is an answer. No answer at all fails the test."""
    try:
        await call
    except GRPCError as error:
        return error.status
    finally:
        first.set()
    return Status.OK


async def terminate_under(service: Service, calls: Sequence[Awaitable[object]]) -> list[Status]:
    """Send SIGTERM when the first of the calls is answered; return all answers, when the process has ended well."""
    first = asyncio.Event()
    answers = asyncio.gather(*(answer(call, first) for call in calls))
    await first.wait()
    service.signal(signal.SIGTERM)
    assert await service.ended(30) == 0, service.output()
    assert not service.socket.exists()
    return await answers


@pytest.mark.asyncio
async def test_twenty_creates_under_way_are_finished_by_a_controller_that_is_told_to_end(
    short_folder: Path,
) -> None:
    volumes = [Life(f"volume-{number}", kubelet.raw()) for number in range(CALLS)]
    async with running(short_folder, cloud_arguments=(*CLOUD, "--request-latency=0.3-1.5")) as stack:
        async with Client(stack.controller.socket) as controller:
            answers = await terminate_under(stack.controller, [volume.create(controller) for volume in volumes])
        assert answers == [Status.OK] * CALLS
        assert len(await stack.cloud.volumes()) == CALLS


@pytest.mark.asyncio
async def test_calls_that_outlast_the_grace_are_answered_and_found_again_by_the_successor(
    short_folder: Path,
) -> None:
    volumes = [Life(f"volume-{number}", kubelet.raw()) for number in range(CALLS)]
    settings = {"AIOCSI_DRAIN_SECONDS": "0.5"}
    async with running(short_folder, cloud_arguments=(*CLOUD, "--request-latency=0.2-4"), controller=settings) as stack:
        async with Client(stack.controller.socket) as controller:
            answers = await terminate_under(stack.controller, [volume.create(controller) for volume in volumes])
        assert set(answers) == {Status.OK, Status.UNAVAILABLE}
        await stack.controller.up()
        async with Client(stack.controller.socket) as controller:
            await asyncio.gather(*(volume.create(controller) for volume in volumes))
        assert sorted(str(each["name"]) for each in await stack.cloud.volumes()) == sorted(v.name for v in volumes)


@pytest.mark.asyncio
async def test_twenty_stages_under_way_are_finished_by_a_node_that_is_told_to_end(
    short_folder: Path,
) -> None:
    volumes = [Life(f"volume-{number}", kubelet.mounted("ext4")) for number in range(CALLS)]
    async with running(short_folder, cloud_arguments=CLOUD) as stack:
        node = stack.nodes[0]
        async with Client(stack.controller.socket) as controller:
            for volume in volumes:
                await volume.create(controller)
                await volume.attach(controller, node)
        async with Client(node.socket) as client:
            answers = await terminate_under(node, [volume.stage(client, node) for volume in volumes])
        assert answers == [Status.OK] * CALLS
        assert len((await stack.state()).mounts) == CALLS
