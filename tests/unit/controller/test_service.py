"""Whatever a well-formed request says, the controller has foreseen it: no answer is an accident."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest
from betterproto2 import Message
from grpclib.exceptions import GRPCError
from hypothesis import given, settings
from hypothesis import strategies as st

from common import errors
from csi_proto.csi import v1 as csi
from tests.fakes.cloud import FakeCloud
from tests.harness.message_strategies import NO_UUID, messages
from tests.harness.serving_once import handlers, serve_once
from tests.unit.controller.world import World, within

KINDS = sorted(handlers(csi.ControllerBase()), key=lambda kind: kind.__name__)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@given(request=st.sampled_from(KINDS).flatmap(messages), attached=st.booleans())
@settings(max_examples=400)
def test_every_request_is_answered_or_refused_on_purpose(
    runner: asyncio.Runner, request: Message, attached: bool
) -> None:
    runner.run(_serve(request, attached))


async def _serve(request: Message, attached: bool) -> None:
    cloud = FakeCloud(latency=0, action_seconds=0)
    volume = cloud.make_volume("pvc-a", server_id="101" if attached else "")
    cloud.volumes = {NO_UUID: replace(volume, id=NO_UUID)}
    world = World(cloud)
    try:
        with suppress(errors.DriverError, GRPCError):  # the generated base's own: not implemented
            await within(5, serve_once(world.service, request))
    finally:
        await world.tasks.settle(5)
        await world.tasks.close()
