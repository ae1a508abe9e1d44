"""The HTTP session against a server in this process, whose answers are scripted."""

import asyncio
import gzip
import json
import os
import re
import tracemalloc
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from common import deadlines, errors
from common.tasks import Tasks
from controller.digitalocean import models
from controller.digitalocean.api_request import ApiRequest
from controller.digitalocean.connection import proxy_for, session
from controller.digitalocean.http import Http, Refusal
from controller.digitalocean.token import Token
from controller.digitalocean.token_state import TokenState
from controller.pacing.budget import Budget
from controller.pacing.lanes import Lane

pytestmark = pytest.mark.asyncio
ACCOUNT = {"account": {"uuid": "a", "volume_limit": 7}}
READ = ApiRequest("GET", "/v2/account", Lane.READ)
CHANGE = ApiRequest("POST", "/v2/volumes", Lane.CHANGE, json={"name": "a"}, success=201)
LIMITED = {"id": "too_many_requests", "message": "API Rate limit exceeded."}
UNAUTHORIZED = {"id": "Unauthorized", "message": "Unable to authenticate you"}
SECRET = "dop_v1_0123456789abcdef"  # noqa: S105 (no real token)


class Script:
    """Answers in turn, the last one for ever; None cuts the connection."""

    def __init__(self, *answers: tuple[int, object] | None) -> None:
        self.answers = deque(answers)
        self.tokens: list[str] = []
        self.agents: list[str] = []
        self.headers: dict[str, str] = {}
        self.asked = asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.set()
        self.tokens.append(request.headers["Authorization"].removeprefix("Bearer "))
        self.agents.append(request.headers["User-Agent"])
        found = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        if found is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        status, body = found
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, text=text, headers=self.headers, content_type="application/json")


class Untold:
    """Requests that nobody counts."""

    def count(self, method: str, path: str, status: int, seconds: float) -> None: ...


@asynccontextmanager
async def served(script: Script) -> AsyncIterator[str]:
    """Serve the script; yield its URL."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", script.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


@asynccontextmanager
async def api(script: Script, token: Token | None = None, access: TokenState | None = None) -> AsyncIterator[Http]:
    loop = asyncio.get_running_loop()
    async with served(script) as root, session() as http_session:
        http = Http(root, token or Token(SECRET), Budget(), access or TokenState(loop.time), Untold())
        http.open(http_session)
        yield http


async def test_a_call_carries_the_token_and_who_we_are() -> None:
    script = Script((200, ACCOUNT))
    async with api(script) as http:
        assert (await http.read(READ, models.OneAccount)).account.volume_limit == 7
    assert script.tokens == [SECRET]
    assert script.agents[0].startswith("aiocsi/")


@pytest.mark.parametrize("first", [(500, "{}"), (503, "busy"), None], ids=["500", "503", "reset"])
async def test_a_read_is_repeated(first: tuple[int, object] | None) -> None:
    script = Script(first, (200, ACCOUNT))
    async with api(script) as http:
        await http.read(READ, models.OneAccount)
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


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param("{}", "account", id="empty"),
        pytest.param('{"account": {"uuid": "a", "volume_limit": "many"}}', "account.volume_limit", id="wrong type"),
        pytest.param("<html>", "whole reply", id="no JSON"),
    ],
)
async def test_a_reply_that_does_not_fit_is_not_final_and_names_the_field(body: str, field: str) -> None:
    async with api(Script((200, body))) as http:
        with pytest.raises(errors.NotFinal, match=field):
            await http.read(READ, models.OneAccount)


async def test_a_volume_without_its_droplets_does_not_read_as_detached() -> None:
    volume = {
        "id": str(uuid.UUID(int=1)),
        "name": "pvc-a",
        "size_gigabytes": 1,
        "region": {"slug": "nyc1"},
        "created_at": "2026-01-01T00:00:00Z",
    }
    async with api(Script((200, {"volume": volume}), (200, {"volume": {**volume, "droplet_ids": None}}))) as http:
        with pytest.raises(errors.NotFinal, match=r"volume\.droplet_ids"):
            await http.read(READ, models.OneVolume)
        assert (await http.read(READ, models.OneVolume)).volume.droplet_ids is None


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


async def test_a_replaced_token_file_is_used_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    script = Script((200, ACCOUNT))
    async with api(script, Token(file=file)) as http:
        await http.send(READ)
        file.write_text("second\n")
        await http.send(READ)
    assert script.tokens == ["first", "second"]


async def test_a_refused_token_is_tried_twice_and_then_told_as_not_final() -> None:
    script = Script((401, UNAUTHORIZED))
    async with api(script) as http:
        with pytest.raises(errors.Unavailable, match="token") as refused:
            await http.send(CHANGE)
    assert len(script.tokens) == 2
    assert SECRET not in str(refused.value)


async def test_no_token_appears_in_a_repr_or_an_error(tmp_path: Path) -> None:
    assert SECRET not in repr(Token(SECRET))
    with pytest.raises(errors.Unavailable) as refused:
        Token(file=tmp_path / "missing").current()
    assert "missing" in str(refused.value)


async def test_a_missing_token_is_told_at_the_start_and_stops_nothing(tmp_path: Path) -> None:
    with capture_logs() as told:
        Token(SECRET).look()
        Token(file=tmp_path / "missing").look()
    assert [(each["event"], each["remedy"]) for each in told] == [("no_token", "check that the secret is mounted")]


async def test_a_server_that_is_not_there_is_not_final() -> None:
    loop = asyncio.get_running_loop()
    async with session() as http_session:
        http = Http("http://127.0.0.1:9/", Token(SECRET), Budget(), TokenState(loop.time), Untold())
        http.open(http_session)
        with deadlines.until(loop.time() + 0.5), pytest.raises(errors.NotFinal):
            await http.send(READ)
        with pytest.raises(errors.Unavailable, match="no connection"):
            await http.send(CHANGE)


async def test_the_proxy_of_the_environment_is_used_for_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script((200, ACCOUNT))
    async with served(script) as proxy, session() as http_session:
        monkeypatch.setenv("http_proxy", proxy)
        http = Http("http://api.invalid/", Token(SECRET), Budget(), TokenState(lambda: 0.0), Untold())
        http.open(http_session)
        assert (await http.read(READ, models.OneAccount)).account.volume_limit == 7
    assert script.tokens == [SECRET]


async def test_a_host_that_needs_no_proxy_is_asked_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script((200, ACCOUNT))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    async with api(script) as http:
        assert (await http.read(READ, models.OneAccount)).account.volume_limit == 7


async def test_a_login_in_netrc_does_not_stand_in_the_tokens_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logins = tmp_path / "netrc"
    logins.write_text("machine 127.0.0.1 login somebody password else\n")
    logins.chmod(0o600)
    monkeypatch.setenv("NETRC", str(logins))
    script = Script((200, ACCOUNT))
    async with api(script) as http:
        await http.send(READ)
    assert script.tokens == [SECRET]


@asynccontextmanager
async def raw(reply: bytes) -> AsyncIterator[tuple[Http, list[bytes]]]:
    """A server that sends these bytes to whoever connects, and the driver's view of it."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(reply)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, session() as http_session:
        root = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
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
            await http.read(READ, models.OneAccount)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


async def test_an_outage_is_told_at_its_beginning_and_at_its_end_and_each_request_at_debug() -> None:
    script = Script(*[(503, "<html>busy</html>")] * 5, (200, ACCOUNT))
    script.headers = {"x-request-id": "id-of-the-cloud"}
    with capture_logs() as lines:
        async with api(script) as http:
            await http.read(READ, models.OneAccount)
    told = [(each["log_level"], each["event"]) for each in lines]
    assert told.count(("warning", "cloud_fails")) == told.count(("warning", "cloud_answers_again")) == 1
    requests = [each for each in lines if each["event"] == "request"]
    assert [each["status"] for each in requests] == [503] * 5 + [200]
    assert {each["cloud_request_id"] for each in requests} == {"id-of-the-cloud"}
    assert {each["route"] for each in requests} == {"/v2/account"}


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


async def test_a_proxy_may_be_named_without_its_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "proxy.example.com:3128")
    assert proxy_for("https://api.example.com/") == "http://proxy.example.com:3128"


@pytest.mark.parametrize("proxy", ["socks5://proxy:1080", "https://proxy:3128", "http://"])
async def test_a_proxy_that_cannot_be_used_is_refused(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(errors.FailedPrecondition, match="HTTPS_PROXY"):
        proxy_for("https://api.example.com/")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(Path.touch, "is empty", id="empty"),
        pytest.param(os.mkfifo, "not a regular file", id="a FIFO"),
        pytest.param(Path.mkdir, "s a directory", id="a directory"),
        pytest.param(lambda file: file.write_text("two words"), "holds no token", id="two words"),
        pytest.param(lambda file: file.write_text("x" * 10_000), "holds no token", id="too long"),
    ],
)
async def test_a_token_file_that_holds_no_token_is_named_and_never_waited_for(
    tmp_path: Path, make: Callable[[Path], None], words: str
) -> None:
    file = tmp_path / "token"
    make(file)
    with pytest.raises(errors.Unavailable, match=words) as refused:
        Token(file=file).current()
    assert str(file) in str(refused.value)


async def test_a_file_that_becomes_empty_is_no_token_any_more(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(SECRET)
    token = Token(file=file)
    token.current()
    file.write_text("")
    with pytest.raises(errors.Unavailable, match="is empty"):
        token.current()
