"""What lies between the controller's HTTP client and the simulated cloud: latency, lost requests and replies, limits.

``Session`` stands in for aiohttp's client session, which is the seam: retries, budget and the meaning of every answer
are the real code's. What was sent arrives though its sender has died or given up.
"""

import asyncio
import json as encoding
from collections import deque
from collections.abc import Coroutine, Mapping
from types import TracebackType
from typing import Protocol, Self

import aiohttp
from aiohttp.client_reqrep import ConnectionKey
from multidict import CIMultiDict

from tests.faults.cloud.api import Api, Json
from tests.faults.plan import Fault
from tests.faults.sim.injector import REQUEST_KINDS, Injector
from tests.faults.sim.loop import Process, sleep
from tests.faults.sim.trace import Trace
from tests.faults.thrift import Thrift

HOUR_LIMIT = 5000
REFUSED = "You are not authorized to perform this operation"
"""What a refusal of one operation says; nothing was done."""
ERROR_IDS = {403: "forbidden", 429: "too_many_requests", 502: "server_error_behind", 503: "service_unavailable"}
ERROR_TEXTS = {403: REFUSED, 429: "API Rate limit exceeded.", 502: "simulated", 503: "simulated"}
Request = tuple[str, str, Json, Json]  # method, path, query, body


class World(Protocol):
    """What the wire asks of the world."""

    trace: Trace
    injector: Injector
    thrift: Thrift

    def now(self) -> float: ...  # virtual seconds
    def wall(self) -> float: ...  # the cloud's own clock, seconds since 1970
    def draw(self, low: float, high: float) -> float: ...
    def begin(self, work: Coroutine[object, object, None]) -> None: ...  # run what belongs to no process
    def throttled(self) -> None: ...  # a request was over the limit


class Limit:
    """The token's limits: so many requests in any 60 seconds, and a few more, since they do not arrive as evenly."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute + max(2, per_minute // 20)
        self._sent: deque[float] = deque()
        self.total = 0

    def admits(self, now: float) -> bool:
        """Count a request; say whether it is within the limit."""
        while self._sent and self._sent[0] <= now - 60:
            self._sent.popleft()
        if len(self._sent) >= self._per_minute:
            return False
        self._sent.append(now)
        self.total += 1
        return True


class Reply:
    """What aiohttp's response offers, as far as it is used."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.status = status
        kind = {"Content-Type": "application/json"} if body else {}
        self.headers = CIMultiDict({**headers, **kind})
        self.body = body
        self.content = Content(body)


class Content:
    """A body that is read part by part."""

    def __init__(self, body: bytes) -> None:
        self._left = body

    async def read(self, length: int) -> bytes:
        """Return the next part; nothing at the end."""
        part, self._left = self._left[:length], self._left[length:]
        return part


class Wire:
    """Carries requests to the cloud."""

    def __init__(self, world: World, api: Api, limit: Limit) -> None:
        self._world = world
        self._api = api
        self._limit = limit

    def send(self, sender: Process, request: Request) -> asyncio.Future[Reply]:
        """Send a request; return what will hold the reply, or aiohttp's error."""
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._world.begin(self._carry(sender, request, reply))
        return reply

    async def _carry(self, sender: Process, request: Request, reply: asyncio.Future[Reply]) -> None:
        world, (method, path, query, body), sent = self._world, request, self._world.thrift.moment()
        subject = f"{method} {path.removeprefix('/v2')} {body.get('type', '')}"
        world.trace.count("requests")
        fault = world.injector.take(REQUEST_KINDS, subject, world.now())
        kind = "" if fault is None else fault.kind
        await sleep(world.draw(0.01, 0.15))
        if kind == "lost before":
            await self._fail(reply, aiohttp.ServerDisconnectedError())
            return
        if world.injector.storm("no connection", world.now()):
            refusal = OSError(111, "Connection refused")
            await self._fail(reply, aiohttp.ClientConnectorError(_KEY, refusal))
            return
        world.thrift.asked(sender, sent, method, path, body)
        answer = self._answer(method, path, query, body, kind)
        world.trace.note("http", f"{subject} -> {answer.status}{_said(answer)}{' ' + kind if kind else ''}")
        await sleep(world.draw(0.01, 0.15) + (_slowness(fault)))
        if kind == "lost after":
            await self._fail(reply, aiohttp.ServerDisconnectedError())
        elif not reply.done():
            reply.set_result(answer)
            world.thrift.told(sender, method, encoding.loads(answer.body or b"{}"))

    def _answer(self, method: str, path: str, query: Json, body: Json, kind: str) -> Reply:
        world = self._world
        headers = {
            "ratelimit-limit": str(HOUR_LIMIT),
            "ratelimit-remaining": str(HOUR_LIMIT - self._limit.total),
            "ratelimit-reset": str(int(world.wall()) + 3000),
        }
        if world.injector.storm("throttle storm", world.now()) and world.draw(0, 1) < 0.6:
            return _error(429, headers | {"retry-after": "3"})
        if not self._limit.admits(world.now()):
            world.throttled()
            return _error(429, headers | {"retry-after": "10"})
        if kind == "error before" or (world.injector.storm("error storm", world.now()) and world.draw(0, 1) < 0.6):
            return _error(503, headers)
        if kind == "refused":
            return _error(403, headers)
        status, answer = self._api.answer(method, path, query, body)
        if kind == "error after":
            return _error(502, headers)
        return Reply(status, b"" if status == 204 else encoding.dumps(answer).encode(), headers)

    async def _fail(self, reply: asyncio.Future[Reply], error: aiohttp.ClientError) -> None:
        await sleep(self._world.draw(0.01, 1.0))
        if not reply.done():
            reply.set_exception(error)
            reply.exception()  # retrieved, though nobody may wait any more


class Session:
    """Stands in for aiohttp.ClientSession; ``owner`` is the process that has it."""

    def __init__(self, wire: Wire, owner: Process) -> None:
        self._wire = wire
        self._owner = owner

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Json | None = None,
        headers: Mapping[str, str] | None = None,
        proxy: str | None,  # noqa: ARG002 - no proxy lies between
        allow_redirects: bool,
    ) -> "Exchange":
        """Begin a request."""
        assert headers is not None
        assert not allow_redirects
        assert headers["Authorization"] == "Bearer token", headers
        return Exchange(self._wire, self._owner, (method, url.removeprefix("http://cloud"), params or {}, json or {}))


class Exchange:
    """One request, as an asynchronous context."""

    def __init__(self, wire: Wire, sender: Process, request: Request) -> None:
        self._wire = wire
        self._sender = sender
        self._request = request

    async def __aenter__(self) -> Reply:
        return await self._wire.send(self._sender, self._request)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Self | None:
        return None


_KEY = ConnectionKey("cloud", 80, False, True, None, None, None)  # aiohttp's own


def _slowness(fault: Fault | None) -> float:
    return fault.amount if fault is not None and fault.kind == "slow reply" else 0.0


def _error(status: int, headers: Mapping[str, str]) -> Reply:
    return Reply(status, encoding.dumps({"id": ERROR_IDS[status], "message": ERROR_TEXTS[status]}).encode(), headers)


def _said(answer: Reply) -> str:
    return f" {encoding.loads(answer.body).get('message', '')}" if answer.status >= 400 and answer.body else ""
