"""The HTTP session against a server in this process, whose answers are scripted."""

import asyncio
import gzip
import re
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from common import deadlines, errors
from common.tasks import Tasks
from controller.digitalocean import models
from controller.digitalocean.api_request import ApiRequest
from controller.digitalocean.connection import session
from controller.digitalocean.http import Http, Refusal
from controller.digitalocean.token import Token
from controller.digitalocean.token_state import TokenState
from controller.pacing.budget import Budget
from controller.pacing.lanes import Lane
from tests.unit.controller.digitalocean.scripted import (
    ACCOUNT,
    CHANGE,
    READ,
    SECRET,
    Script,
    Untold,
    api,
    listening,
    served,
)

pytestmark = pytest.mark.asyncio

LIMITED = {"id": "too_many_requests", "message": "API Rate limit exceeded."}


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


async def test_a_call_carries_the_token_and_who_we_are() -> None:
    script = Script((200, ACCOUNT))
    async with api(script) as http:
        assert (await http.read(READ, models.AccountLimits)).account.volume_limit == 7
    assert script.tokens == [SECRET]
    assert script.agents[0].startswith("aiocsi/")


@pytest.mark.parametrize("first", [(500, "{}"), (503, "busy"), None], ids=["500", "503", "reset"])
async def test_a_read_is_repeated(first: tuple[int, object] | None) -> None:
    script = Script(first, (200, ACCOUNT))
    async with api(script) as http:
        await http.read(READ, models.AccountLimits)
    assert len(script.tokens) == 2


@pytest.mark.parametrize("first", [(500, "{}"), None], ids=["500", "reset"])
async def test_a_change_is_sent_once_and_its_outcome_is_unknown(first: tuple[int, object] | None) -> None:
    script = Script(first)
    async with api(script) as http:
        with pytest.raises(errors.OutcomeUnknown):
            await http.send(CHANGE)
    assert len(script.tokens) == 1


async def test_a_read_that_goes_on_failing_ends_before_its_deadline() -> None:
    script = Script((500, "{}"))
    async with api(script) as http:
        loop = asyncio.get_running_loop()
        with deadlines.until(loop.time() + 1), pytest.raises(errors.NotFinal):
            await http.send(READ)
        assert len(script.tokens) > 1


class AnswersOnce(Script):
    """Answers the first request, and lets the others wait."""

    async def answer(self, request: web.Request) -> web.Response:
        if self.tokens:
            await asyncio.Event().wait()
        return await super().answer(request)


async def test_a_last_try_that_is_cut_short_does_not_hide_what_the_cloud_has_answered() -> None:
    async with api(AnswersOnce((503, "{}"))) as http:
        deadline = asyncio.get_running_loop().time() + 1
        with deadlines.until(deadline), pytest.raises(errors.NotFinal, match="the cloud answered 503, 2 times"):
            await http.send(READ)


async def test_a_refusal_has_the_clouds_own_words() -> None:
    async with api(
        Script((422, {"id": "unprocessable_entity", "message": "Droplet already has a pending event."}))
    ) as http:
        with pytest.raises(Refusal, match="pending event") as refused:
            await http.send(CHANGE)
    assert refused.value.code == 422


async def test_a_429_is_waited_out_and_the_change_sent_again() -> None:
    script = Script((429, LIMITED), (201, "{}"))
    script.headers = {"retry-after": "1"}
    async with api(script) as http:
        await http.send(CHANGE)
    assert len(script.tokens) == 2


async def test_a_change_that_waits_for_its_turn_is_not_sent_once_its_caller_has_gone() -> None:
    script, tasks = Script((429, LIMITED), (201, "{}")), Tasks()
    script.headers = {"retry-after": "1"}
    async with api(script) as http, asyncio.timeout(10), asyncio.TaskGroup() as group:
        caller = group.create_task(tasks.finish(http.send(CHANGE)))
        await script.asked.wait()
        caller.cancel()
        assert await tasks.settle(8) == 0
    assert len(script.tokens) == 1


async def test_a_429_beyond_the_deadline_is_told_with_the_time_to_wait() -> None:
    script = Script((429, LIMITED))
    script.headers = {"retry-after": "30"}
    async with api(script) as http:
        with (
            deadlines.until(asyncio.get_running_loop().time() + 2),
            pytest.raises(errors.Unavailable, match=r"retry after 3\d s"),
        ):
            await http.send(READ)
    assert len(script.tokens) == 1


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


async def test_an_error_names_the_last_obstacle_and_how_often_it_stood_in_the_way() -> None:
    async with api(Script((503, "busy"))) as http:
        with (
            deadlines.until(asyncio.get_running_loop().time() + 1.5) as obstacle,
            pytest.raises(errors.NotFinal) as late,
        ):
            await http.send(READ)
    assert re.search(r"GET /v2/account: the cloud answered 503, \d times in 1 s", str(late.value))
    assert obstacle
    assert "503" in obstacle[0]


async def test_the_retry_after_of_a_503_is_heard() -> None:
    script = Script((503, "busy"))
    script.headers = {"retry-after": "30"}
    async with api(script) as http:
        with deadlines.until(asyncio.get_running_loop().time() + 2), pytest.raises(errors.NotFinal, match="503"):
            await http.send(READ)
    assert len(script.tokens) == 1


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
