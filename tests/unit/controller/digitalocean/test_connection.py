"""How the API is reached: through which proxy, and with nobody else's login."""

import asyncio
import json
import os
from pathlib import Path

import pytest
from yarl import URL

from common import deadlines, errors
from controller.digitalocean import models
from controller.digitalocean.api_request import ApiRequest
from controller.digitalocean.connection import proxy_for, session, tls
from controller.digitalocean.http import Http
from controller.digitalocean.token import Token
from controller.digitalocean.token_state import TokenState
from controller.pacing.budget import Budget
from controller.pacing.lanes import Lane
from tests.unit.controller.digitalocean.scripted import ACCOUNT, READ, SECRET, Script, Untold, api, listening, served

pytestmark = pytest.mark.asyncio


async def test_the_proxy_of_the_environment_is_used_for_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script((200, ACCOUNT))
    async with served(script) as proxy, session() as http_session:
        monkeypatch.setenv("http_proxy", proxy)
        http = Http("http://api.invalid/", Token(SECRET), Budget(), TokenState(lambda: 0.0), Untold())
        http.open(http_session)
        assert (await http.read(READ, models.AccountLimits)).account.volume_limit == 7
    assert script.tokens == [SECRET]


async def test_no_cookie_is_kept_however_many_are_given() -> None:
    async with session() as http_session:
        http_session.cookie_jar.update_cookies({"a": "b"}, URL("https://api.example.com/"))
        assert not list(http_session.cookie_jar)


async def test_a_host_that_needs_no_proxy_is_asked_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script((200, ACCOUNT))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    async with api(script) as http:
        assert (await http.read(READ, models.AccountLimits)).account.volume_limit == 7


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


async def test_a_proxy_may_be_named_without_its_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "proxy.example.com:3128")
    assert proxy_for("https://api.example.com/") == "http://proxy.example.com:3128"


@pytest.mark.parametrize(
    "proxy",
    [
        *(
            "socks5://proxy:1080",
            "https://proxy:3128",
            "http://",
            "http://proxy:99999",
            "http://proxy:x",
            "http://[::1",
        ),
        *("http://a..b:3128", "http://pro xy:3128", "http://user:pass/word@proxy:3128"),
    ],
)
async def test_a_proxy_that_cannot_be_used_is_refused(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(errors.FailedPrecondition, match="HTTPS_PROXY"):
        proxy_for("https://api.example.com/")


async def test_a_pipe_in_the_place_of_the_authorities_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "ca.pem")
    with pytest.raises(errors.FailedPrecondition, match="not a regular file"):
        tls(pipe)


async def test_what_comes_before_a_request_is_not_taken_for_its_answer() -> None:
    """As a proxy sends it that mixes up its clients: a delete would seem to be done that nobody has got."""
    asked: list[bytes] = []
    limits = "ratelimit-limit: 5000\r\nratelimit-remaining: 4000\r\nratelimit-reset: 1\r\n"
    account = json.dumps(ACCOUNT)
    first = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(account)}\r\n\r\n{account}"
    sent = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(first.encode() if len(asked) == 1 else b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        await sent.wait()
        writer.write(f"HTTP/1.1 204 No Content\r\n{limits}\r\n".encode())
        await writer.drain()
        await reader.read()

    loop = asyncio.get_running_loop()
    async with listening(serve) as root, session() as http_session:
        http = Http(root, Token(SECRET), Budget(), TokenState(loop.time), Untold())
        http.open(http_session)
        await http.send(READ)
        sent.set()
        for _ in range(100):
            await asyncio.sleep(0)
        with pytest.raises(errors.OutcomeUnknown, match="503"), deadlines.until(loop.time() + 2):
            await http.send(ApiRequest("DELETE", "/v2/volumes/v", Lane.CHANGE, success=204))
    assert len(asked) > 1
