"""Frames and messages that grpclib alone answers wrongly, or not at all, over a real Unix socket."""

import asyncio
import struct
from pathlib import Path

import pytest
from grpclib.const import Status

from tests.harness.raw_http2 import RawClient, frame, framed
from tests.unit.common.serving import DELETE, PROBE, VOLUME, serving

MIB = 1 << 20


@pytest.mark.asyncio
async def test_a_frame_of_an_unknown_type_is_ignored(tmp_path: Path) -> None:
    async with serving(tmp_path) as served, RawClient(served.socket) as client:
        client.write(frame(0x10, b"priority update"))
        await client.ping()
        assert (await client.call(PROBE, framed(b""))).status == Status.OK.value


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(framed(VOLUME, compressed=True), Status.UNIMPLEMENTED, id="compressed"),
        pytest.param(b"", Status.INVALID_ARGUMENT, id="no message"),
        pytest.param(framed(VOLUME)[:3], Status.INVALID_ARGUMENT, id="half a prefix"),
        pytest.param(framed(VOLUME, length=99), Status.INVALID_ARGUMENT, id="shorter than its prefix says"),
        pytest.param(framed(b"\x08\x01"), Status.INVALID_ARGUMENT, id="a number where a text belongs"),
        pytest.param(framed(b"\x0a\x09v"), Status.INVALID_ARGUMENT, id="a field that is cut short"),
        pytest.param(framed(b"\x0a\x01\xff"), Status.INVALID_ARGUMENT, id="text that is not UTF-8"),
        pytest.param(framed(b"\x0b"), Status.INVALID_ARGUMENT, id="a group"),
        pytest.param(framed(b"", length=MIB + 1), Status.RESOURCE_EXHAUSTED, id="over 1 MiB"),
    ],
)
async def test_a_bad_message_gets_its_status_and_the_connection_serves_on(
    tmp_path: Path, body: bytes, status: Status
) -> None:
    async with serving(tmp_path) as served, RawClient(served.socket) as client:
        answer = await client.call(DELETE, body)
        assert (answer.status, served.controller.requests) == (status.value, [])
        assert answer.headers["grpc-message"]
        assert (await client.call(DELETE, framed(VOLUME))).status == Status.OK.value


@pytest.mark.asyncio
async def test_a_huge_message_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    async with serving(tmp_path) as served, RawClient(served.socket) as client:
        stream = client.begin(DELETE)
        client.send(stream, struct.pack(">BI", 0, 50 * MIB), end=False)
        assert (await client.answer(stream)).status == Status.RESOURCE_EXHAUSTED.value


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/csi.v1.Controller/NoSuch", "/no.such.Service/Probe", "/", "nothing"])
async def test_a_method_that_does_not_exist_is_named_in_the_answer(tmp_path: Path, path: str) -> None:
    async with serving(tmp_path) as served, RawClient(served.socket) as client:
        answer = await client.call(path, framed(b""))
        assert answer.status == Status.UNIMPLEMENTED.value
        assert path.removeprefix("/") in answer.headers["grpc-message"]
        assert b"NoSuch" not in served.metrics.render()


@pytest.mark.asyncio
async def test_a_method_that_nobody_wrote_is_named_in_the_answer(tmp_path: Path) -> None:
    async with serving(tmp_path) as served, RawClient(served.socket) as client:
        answer = await client.call("/csi.v1.Controller/GetCapacity", framed(b""))
        assert answer.status == Status.UNIMPLEMENTED.value
        assert "csi.v1.Controller/GetCapacity" in answer.headers["grpc-message"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("left_out", "http_status"), [("content-type", "415"), ("te", "400"), (":method", "405"), (":path", "200")]
)
async def test_a_request_that_is_no_grpc_is_answered(tmp_path: Path, left_out: str, http_status: str) -> None:
    async with serving(tmp_path) as served, RawClient(served.socket) as client:
        answer = await client.call(PROBE, framed(b""), left_out=[left_out])
        assert answer.headers[":status"] == http_status


@pytest.mark.asyncio
async def test_http_1_is_hung_up_on_and_harms_nobody(tmp_path: Path) -> None:
    async with serving(tmp_path) as served, RawClient(served.socket) as client:
        reader, writer = await asyncio.open_unix_connection(str(served.socket))
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        async with asyncio.timeout(30):
            await reader.read()
        writer.close()
        assert (await client.call(PROBE, framed(b""))).status == Status.OK.value
