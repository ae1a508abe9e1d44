"""Headers and timeouts that grpclib alone answers wrongly, over a real Unix socket."""

from pathlib import Path

import pytest
from grpclib.const import Status

from tests.harness.raw_http2 import Header, RawClient, framed
from tests.unit.common.serving import DELETE, PROBE, VOLUME, serving


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "header",
    [
        pytest.param(("trace-bin", "="), id="lone padding"),
        pytest.param(("trace-bin", "a"), id="one digit"),
        pytest.param(("trace-bin", b"\xff\xfe"), id="bytes that are no text"),
        pytest.param(("x-name", b"caf\xc3\xa9"), id="text that is not ASCII"),
        pytest.param(("grpc-tags-bin", "@@"), id="reserved name"),
    ],
)
async def test_a_header_that_nobody_reads_cannot_break_a_call(tmp_path: Path, header: Header) -> None:
    async with serving(tmp_path) as served, RawClient(served.socket) as client:
        assert (await client.call(PROBE, framed(b""), header)).status == Status.OK.value
        assert (await client.call(PROBE, framed(b""))).status == Status.OK.value


@pytest.mark.asyncio
@pytest.mark.parametrize("value", ["", "1", "S", "-1S", "1x", "1.5S", "123456789S", "9" * 400 + "H"])
async def test_a_malformed_timeout_is_an_invalid_argument(tmp_path: Path, value: str) -> None:
    async with serving(tmp_path) as served, RawClient(served.socket) as client:
        assert (await client.call(PROBE, framed(b""), ("grpc-timeout", value))).status == Status.INVALID_ARGUMENT.value


@pytest.mark.asyncio
@pytest.mark.parametrize("value", ["0S", "1n"])
async def test_a_timeout_that_is_over_on_arrival_is_deadline_exceeded(tmp_path: Path, value: str) -> None:
    async with serving(tmp_path) as served, RawClient(served.socket) as client:
        answer = await client.call(DELETE, framed(VOLUME), ("grpc-timeout", value))
        assert answer.status == Status.DEADLINE_EXCEEDED.value
        assert not served.controller.requests
