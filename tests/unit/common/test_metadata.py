"""The metadata service, and what it may answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from common import converters, errors
from common.metadata import Metadata

REMEDY = "set AIOCSI_REGION"


@asynccontextmanager
async def answering(reply: bytes, asked: list[bytes]) -> AsyncIterator[str]:
    """Yield the address of a service that answers every request so."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(reply)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/droplets/1/"


@pytest.mark.asyncio
async def test_a_value_is_read_below_the_root_of_the_service() -> None:
    asked: list[bytes] = []
    async with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnyc1", asked) as url:
        assert await Metadata(url, REMEDY).get("metadata/v1/region", converters.zone) == "nyc1"
    assert asked[0].startswith(b"GET /droplets/1/metadata/v1/region HTTP/1.0\r\nHost: 127.0.0.1\r\n")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(b"HTTP/1.1 404 Not Found\r\n\r\nnyc1", id="an error"),
        pytest.param(b"HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\nnyc1", id="a redirect"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", id="nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\na\x00b", id="no text"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\nnyc\xb9", id="no ASCII"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n<html>login</html>", id="a login page on one line"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\nNYC1", id="another form than the setting has"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\nnyc1\r\nfra1", id="two lines"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\nnyc1", id="cut off"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 5000, id="too long"),
        pytest.param(b"HTTP/1.1 200\x1f\r\n\r\nnyc1", id="an odd status line"),
        pytest.param(b"SSH-2.0-OpenSSH\r\n\r\n", id="no HTTP"),
        pytest.param(b"HTTP/1.1 abc\r\n\r\nx", id="no status"),
        pytest.param(b"", id="a closed connection"),
    ],
)
async def test_anything_else_is_not_an_answer_and_the_remedy_is_told(reply: bytes) -> None:
    async with answering(reply, []) as url:
        with pytest.raises(errors.Unavailable, match=REMEDY) as refused:
            await Metadata(url, REMEDY).get("metadata/v1/region", converters.zone)
    assert "<" not in str(refused.value)


@pytest.mark.asyncio
async def test_a_service_that_is_not_there_is_no_answer() -> None:
    with pytest.raises(errors.Unavailable, match="does not answer"):
        await Metadata("http://127.0.0.1:1/", REMEDY).get("metadata/v1/region", converters.zone)
