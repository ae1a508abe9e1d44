"""A server in this process whose answers are scripted, and the HTTP session that asks it."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from aiohttp import web

from controller.digitalocean.api_request import ApiRequest
from controller.digitalocean.connection import session
from controller.digitalocean.http import Http
from controller.digitalocean.token import Token
from controller.digitalocean.token_state import TokenState
from controller.pacing.budget import Budget
from controller.pacing.lanes import Lane

ACCOUNT = {"account": {"uuid": "a", "volume_limit": 7}}

READ = ApiRequest("GET", "/v2/account", Lane.READ)

CHANGE = ApiRequest("POST", "/v2/volumes", Lane.CHANGE, json={"name": "a"}, success=201)

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


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[str]:
    """Let ``serve`` answer each connection; yield the URL. Every connection is closed at the end."""
    connections: list[asyncio.Task[None]] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.append(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            try:
                await serve(reader, writer)
            finally:
                writer.close()
                await writer.wait_closed()

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        for each in connections:
            each.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
