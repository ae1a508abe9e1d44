"""Whatever bytes come as a message, the answer is never one that makes a sidecar forget a volume."""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from grpclib.const import Status
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.harness.raw_http2 import RawClient, framed
from tests.harness.wire_strategies import MESSAGES
from tests.unit.common.serving import Served, serving

FORBIDDEN = {Status.UNKNOWN.value, Status.INTERNAL.value, Status.DATA_LOSS.value, -1}
PATHS = ["/csi.v1.Identity/Probe", "/csi.v1.Controller/DeleteVolume", "/csi.v1.Controller/CreateVolume"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, Path]]:
    """A server that answers whenever the runner runs something."""
    with asyncio.Runner() as runner:
        server = serving(tmp_path_factory.mktemp("fuzz"))
        yield runner, runner.run(_enter(server)).socket
        runner.run(_leave(server))


@given(path=st.sampled_from(PATHS), body=st.one_of(MESSAGES.map(framed), st.binary(max_size=20)))
@settings(max_examples=200)
def test_no_body_is_answered_with_a_code_that_is_final_by_mistake(
    served: tuple[asyncio.Runner, Path], path: str, body: bytes
) -> None:
    runner, socket = served
    assert runner.run(_status(socket, path, body)) not in FORBIDDEN


async def _status(socket: Path, path: str, body: bytes) -> int:
    async with RawClient(socket) as client:
        return (await client.call(path, body)).status


async def _enter(server: AbstractAsyncContextManager[Served]) -> Served:
    return await server.__aenter__()


async def _leave(server: AbstractAsyncContextManager[Served]) -> None:
    await server.__aexit__(None, None, None)
