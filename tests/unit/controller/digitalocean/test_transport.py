"""What becomes of one request: bytes that are not the API's, and connections that fail."""

import asyncio
import gzip
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from common import deadlines, errors
from controller.digitalocean import models
from controller.digitalocean.api_request import ApiRequest
from controller.digitalocean.connection import session
from controller.digitalocean.http import Http
from controller.digitalocean.token import Token
from controller.digitalocean.token_state import TokenState
from controller.pacing.budget import Budget
from controller.pacing.lanes import Lane
from tests.unit.controller.digitalocean.scripted import ACCOUNT, CHANGE, READ, SECRET, Script, Untold, listening, served

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def raw(reply: bytes) -> AsyncIterator[tuple[Http, list[bytes]]]:
    """A server that sends these bytes to whoever connects, and the driver's view of it."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(reply)
        await writer.drain()

    async with listening(serve) as root, session() as http_session:
        access = TokenState(asyncio.get_running_loop().time)
        access.prove(SECRET, "")
        http = Http(root, Token(SECRET), Budget(), access, Untold())
        http.open(http_session)
        yield http, asked


def answer(status: str, body: bytes, *headers: str) -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers])
    return f"{head}\r\n\r\n".encode() + body


DELETE = ApiRequest("DELETE", "/v2/volumes/v", Lane.CHANGE, success=204)

JSON_KIND = "Content-Type: application/json"

BOMB = gzip.compress(bytes(50 << 20))


async def test_a_server_that_is_not_there_is_not_final() -> None:
    loop = asyncio.get_running_loop()
    async with session() as http_session:
        http = Http("http://127.0.0.1:9/", Token(SECRET), Budget(), TokenState(loop.time), Untold())
        http.open(http_session)
        with deadlines.until(loop.time() + 0.5), pytest.raises(errors.NotFinal):
            await http.send(READ)
        with pytest.raises(errors.Unavailable, match="no connection"):
            await http.send(CHANGE)


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        pytest.param(answer("303 See Other", b"", "Location: /login"), "303", id="a redirect"),
        pytest.param(answer("302 Found", b"", "Location: http://127.0.0.1:9/login"), "302", id="elsewhere"),
        pytest.param(answer("404 Not Found", BOMB, JSON_KIND, "Content-Encoding: gzip"), "compressed", id="a bomb"),
        pytest.param(answer("204 No Content", b""), "not the API's own", id="nobody's 204"),
        pytest.param(answer("404 Not Found", b" " * (65 << 10), JSON_KIND), "longer than 65536 bytes", id="too long"),
    ],
)
async def test_what_is_not_the_apis_leaves_a_deletion_unknown_and_is_asked_once(reply: bytes, told: str) -> None:
    async with raw(reply) as (http, asked):
        with pytest.raises(errors.OutcomeUnknown, match=told):
            await http.send(DELETE)
    assert len(asked) == 1
    assert b"Accept-Encoding: identity" in asked[0]


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(answer("200 OK", b" " * (257 << 10), JSON_KIND), id="too long"),
        pytest.param(answer("200 OK", b"[" + b"1," * 100_000 + b"1]", JSON_KIND), id="too many values"),
        pytest.param(answer("200 OK", BOMB, JSON_KIND, "Content-Encoding: gzip"), id="a bomb"),
    ],
)
async def test_a_success_is_read_within_bounds(reply: bytes) -> None:
    tracemalloc.start()
    async with raw(reply) as (http, _):
        with pytest.raises(errors.OutcomeUnknown, match="a body that cannot be used"):
            await http.read(READ, models.AccountLimits)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


@pytest.mark.parametrize(
    ("root", "words"),
    [
        pytest.param("http://127.0.0.1:9/", "127.0.0.1:9 cannot be reached (ECONNREFUSED", id="a refused port"),
        pytest.param("http://no.such.host.invalid/", "the name no.such.host.invalid cannot be resolved", id="no DNS"),
    ],
)
async def test_a_connection_that_fails_is_told_with_its_host_and_the_systems_error(root: str, words: str) -> None:
    async with session() as http_session:
        http = Http(root, Token(SECRET), Budget(), TokenState(lambda: 0.0), Untold())
        http.open(http_session)
        with pytest.raises(errors.Unavailable) as refused:
            await http.send(CHANGE)
    assert words in str(refused.value)


async def test_a_server_without_tls_is_told_as_such() -> None:
    async with served(Script((200, ACCOUNT))) as plain, session() as http_session:
        root = plain.replace("http://", "https://")
        http = Http(root, Token(SECRET), Budget(), TokenState(lambda: 0.0), Untold())
        http.open(http_session)
        with pytest.raises(errors.Unavailable, match="does not speak TLS"):
            await http.send(CHANGE)
