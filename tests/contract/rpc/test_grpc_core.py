"""The server as a client of another make sees it: gRPC's C core, which shares no code with grpclib."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc  # type: ignore[import-untyped]  # its stubs are a package of their own
import grpc.aio  # type: ignore[import-untyped]  # same
import pytest
import pytest_asyncio

from common import grpc_framing
from csi_proto.csi import v1 as csi
from tests.fakes.services import Deleting, Gate
from tests.unit.common.serving import Served, serving

pytestmark = pytest.mark.asyncio

DELETE = "/csi.v1.Controller/DeleteVolume"
VOLUME = bytes(csi.DeleteVolumeRequest(volume_id="v"))
MIB = 1 << 20


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest_asyncio.fixture
async def served(tmp_path: Path, gate: Gate) -> AsyncIterator[Served]:
    async with serving(tmp_path, Deleting(gate)) as served:
        yield served


@pytest_asyncio.fixture
async def channel(served: Served) -> AsyncIterator[grpc.aio.Channel]:
    options = [("grpc.max_send_message_length", -1)]
    async with grpc.aio.insecure_channel(f"unix://{served.socket}", options=options) as channel:
        yield channel


async def call(
    channel: grpc.aio.Channel,
    body: bytes = VOLUME,
    path: str = DELETE,
    *,
    seconds: float = 20,
    compression: grpc.Compression = grpc.Compression.NoCompression,
) -> tuple[grpc.StatusCode, str]:
    """Make one call with the message in ``body``; return status and message."""
    method = channel.unary_unary(path)
    try:
        async with asyncio.timeout(60):
            await method(body, timeout=seconds, compression=compression)
    except grpc.aio.AioRpcError as error:
        return error.code(), error.details() or ""
    return grpc.StatusCode.OK, ""


async def test_a_call_is_answered(channel: grpc.aio.Channel, gate: Gate) -> None:
    gate.open()
    assert await call(channel) == (grpc.StatusCode.OK, "")


async def test_calls_under_way_at_the_drain_are_answered_and_later_ones_may_be_repeated(
    served: Served, channel: grpc.aio.Channel, gate: Gate
) -> None:
    async with asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(call(channel)) for _ in range(200)]
        await gate.until(64)
        drain = tasks.create_task(served.server.drain(30))
        await asyncio.sleep(0)  # noqa: TID251  # one turn of the loop: the drain begins
        late = tasks.create_task(call(channel))
        gate.open()
        await drain
    assert {each.result()[0] for each in calls} == {grpc.StatusCode.OK}
    assert late.result()[0] is grpc.StatusCode.UNAVAILABLE


async def test_an_error_arrives_whole(served: Served, channel: grpc.aio.Channel) -> None:
    del served
    code, message = await call(channel, path="/csi.v1.Controller/CreateVolume", body=b"")
    assert code is grpc.StatusCode.UNIMPLEMENTED
    assert message.startswith("AIOCSI-G016: csi.v1.Controller/CreateVolume is not offered")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"\x08\x01", grpc.StatusCode.INVALID_ARGUMENT, id="wrong type"),
        pytest.param(b"\x0a" + b"\xff" * 20, grpc.StatusCode.INVALID_ARGUMENT, id="garbage"),
        pytest.param(bytes(50 * MIB), grpc.StatusCode.RESOURCE_EXHAUSTED, id="50 MiB"),
        pytest.param(bytes(5 * MIB), grpc.StatusCode.RESOURCE_EXHAUSTED, id="5 MiB"),
    ],
)
async def test_a_bad_message_is_refused_and_the_channel_goes_on(
    channel: grpc.aio.Channel, gate: Gate, body: bytes, code: grpc.StatusCode
) -> None:
    gate.open()
    assert (await call(channel, body))[0] is code
    assert (await call(channel))[0] is grpc.StatusCode.OK


async def test_a_large_message_within_the_limit_is_read(channel: grpc.aio.Channel, gate: Gate) -> None:
    gate.open()
    body = bytes(csi.DeleteVolumeRequest(volume_id="v" * (grpc_framing.LARGEST_MESSAGE - 64)))
    assert (await call(channel, body))[0] is grpc.StatusCode.OK


async def test_a_compressed_message_is_not_implemented(channel: grpc.aio.Channel) -> None:
    body = bytes(csi.DeleteVolumeRequest(volume_id="v" * 1000))
    assert (await call(channel, body, compression=grpc.Compression.Gzip))[0] is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("seconds", [0.05, 0.3])
async def test_a_deadline_is_kept(channel: grpc.aio.Channel, gate: Gate, seconds: float) -> None:
    assert (await call(channel, seconds=seconds))[0] is grpc.StatusCode.DEADLINE_EXCEEDED
    gate.open()
    assert (await call(channel))[0] is grpc.StatusCode.OK


async def test_a_cancelled_call_is_cancelled_here_too(channel: grpc.aio.Channel, gate: Gate) -> None:
    method = channel.unary_unary(DELETE)(VOLUME)
    await gate.until(1)
    method.cancel()
    async with asyncio.timeout(10):
        await gate.left.wait()
