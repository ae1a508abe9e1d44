"""Bad input through the real sockets: a clear code, a message, and nothing changed in the cloud or on the host."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.integration.main_job.bad_input import CASES, Case, good_request
from tools.csi import kubelet
from tools.csi.client import Client
from tools.csi.life import Life
from tools.services.stack import Stack


@pytest.fixture(scope="module", name="volume")
def fixture_volume(stack: Stack) -> Iterator[Life]:
    """A volume that is attached to node A, and staged nowhere."""
    volume = Life("bystander", kubelet.mounted())
    asyncio.run(_attached(stack, volume))
    yield volume
    asyncio.run(_gone(stack, volume))


async def _attached(stack: Stack, volume: Life) -> None:
    async with Client(stack.controller.socket) as controller:
        await volume.create(controller)
        await volume.attach(controller, stack.nodes[0])


async def _gone(stack: Stack, volume: Life) -> None:
    async with Client(stack.controller.socket) as controller:
        await volume.detach(controller, stack.nodes[0])
        await volume.delete(controller)


@pytest.mark.asyncio
@pytest.mark.parametrize("case", CASES, ids=str)
async def test_bad_input_is_refused_with_a_clear_code_and_changes_nothing(
    case: Case, volume: Life, stack: Stack, controller: Client, on_a: Client
) -> None:
    request = good_request(case.method, volume, stack.nodes[0])
    case.spoil(request)
    before = await stack.state()
    code, message = await (on_a if case.method.startswith("Node") else controller).refusal(request)
    assert (code, await stack.state()) == (case.code, before), message
    assert 10 < len(message) < 500
    assert "\n" not in message


@pytest.mark.asyncio
async def test_the_services_still_serve_after_all_that(volume: Life, stack: Stack, on_a: Client) -> None:
    """The same requests, not spoilt."""
    node = stack.nodes[0]
    await volume.stage(on_a, node)
    await volume.publish(on_a, node)
    await volume.unpublish(on_a, node)
    await volume.unstage(on_a, node)
    errors = [line for program in stack.programs for line in program.output().splitlines() if "unforeseen" in line]
    assert errors == []
