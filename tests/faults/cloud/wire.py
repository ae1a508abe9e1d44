"""What lies between the controller's HTTP client and the simulated cloud: latency, lost requests and replies, limits.

``Session`` stands in for aiohttp's client session, which is the seam: retries, budget and the meaning of every answer
are the real code's. What was sent arrives though its sender has died or given up.
"""

import asyncio
import json as encoding
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from types import TracebackType
from typing import Protocol, Self

import aiohttp
from aiohttp.client_reqrep import ConnectionKey
from multidict import CIMultiDict

from tests.faults.cloud import foreign
from tests.faults.cloud.api import Api, Json
from tests.faults.cloud.foreign import JSON, Said
from tests.faults.plan import Fault
from tests.faults.sim.injector import OF_SNAPSHOTS, REQUEST_KINDS, Injector
from tests.faults.sim.loop import Process, sleep
from tests.faults.sim.trace import Trace
from tests.faults.thrift import Thrift

HOUR_LIMIT = 5000
LONGEST_BODY = 17 << 20  # bytes of one body that may be held
REFUSED = "You are not authorized to perform this operation"
"""What a refusal of one operation says; nothing was done."""
ERROR_IDS = {403: "forbidden", 429: "too_many_requests", 502: "server_error_behind", 503: "service_unavailable"}
ERROR_TEXTS = {403: REFUSED, 429: "API Rate limit exceeded.", 502: "simulated", 503: "simulated"}
TOKEN, OTHER_TOKEN = "token", "token-of-another-account"  # no real tokens
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
    def lied(self) -> None: ...  # a list has lacked what is there
    def token(self) -> str: ...  # what the file of the token holds
    def closed(self) -> None: ...  # the cloud has said that the account is over its limit
    def broken(self, what: str) -> None: ...  # ends the run


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

    def recent(self, now: float) -> int:
        """Return how many requests have come in the last minute."""
        return sum(sent > now - 60 for sent in self._sent)


class Reply:
    """What aiohttp's response offers, as far as it is used."""

    def __init__(
        self, status: int, body: bytes, headers: Mapping[str, str], kind: str = JSON, content: "Content | None" = None
    ) -> None:
        self.status = status
        self.headers = CIMultiDict({**headers, **({"Content-Type": kind} if body else {})})
        self.body = body
        self.content = content or Content(body)


class Content:
    """A body that is read part by part. ``length``: it is repeated until then. ``read_so_far`` gets the bytes read."""

    def __init__(self, body: bytes, length: int = 0, read_so_far: Callable[[int], None] = lambda _: None) -> None:
        self._left = body
        self._again = body if length else b""
        self._missing = max(0, length - len(body))
        self._read = 0
        self._read_so_far = read_so_far

    async def read(self, length: int) -> bytes:
        """Return the next part; nothing at the end."""
        if len(self._left) < length and self._missing:
            self._left += self._again * (length // len(self._again) + 1)
        part, self._left = self._left[:length], self._left[length:]
        self._missing = max(0, self._missing - len(part))
        self._read += len(part)
        self._read_so_far(self._read)
        return part


class Wire:
    """Carries requests to the cloud."""

    def __init__(self, world: World, api: Api, other: Api, limit: Limit) -> None:
        self._world = world
        self._api = api
        self._other = other
        self._limit = limit
        self.token = world.token

    def send(self, sender: Process, request: Request, token: str) -> asyncio.Future[Reply]:
        """Send a request; return what will hold the reply, or aiohttp's error."""
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        if token == OTHER_TOKEN:
            self._world.begin(self._carry_elsewhere(request, reply))
        else:
            self._world.begin(self._carry(sender, request, reply))
        return reply

    async def _carry_elsewhere(self, request: Request, reply: asyncio.Future[Reply]) -> None:
        """Carry a request to another account."""
        method, path, query, body = request
        await sleep(self._world.draw(0.01, 0.3))
        status, answer = self._other.answer(method, path, query, body)
        self._world.trace.note("elsewhere", f"{method} {path} -> {status}")
        if not reply.done():
            said = b"" if status == 204 else encoding.dumps(answer).encode()
            reply.set_result(Reply(status, said, self._own_headers()))

    async def _carry(self, sender: Process, request: Request, reply: asyncio.Future[Reply]) -> None:
        world, (method, path, query, body), sent = self._world, request, self._world.thrift.moment()
        subject = f"{method} {path.removeprefix('/v2')} {body.get('type', '')}"
        world.trace.count("requests")
        kinds = REQUEST_KINDS if method == "POST" and path.endswith("/snapshots") else REQUEST_KINDS - OF_SNAPSHOTS
        fault = world.injector.take(kinds, subject, world.now())
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
        answer = self._answer(method, path, query, body, fault)
        world.trace.note("http", f"{subject} -> {answer.status}{_said(answer)}{' ' + kind if kind else ''}")
        await sleep(world.draw(0.01, 0.15) + (_slowness(fault)))
        if kind in {"lost after", "taken unseen"}:
            await self._fail(reply, aiohttp.ServerDisconnectedError())
        elif not reply.done():
            reply.set_result(answer)
            if kind == "foreign answer":
                world.thrift.misled(sender, path)
            else:
                world.thrift.told(sender, method, encoding.loads(answer.body or b"{}"))

    def _answer(self, method: str, path: str, query: Json, body: Json, fault: Fault | None) -> Reply:
        headers, kind = self._own_headers(), "" if fault is None else fault.kind
        if (refusal := self._refusal(headers, fault)) is not None:
            return refusal
        if fault is not None and kind == "foreign answer" and method != "GET" and not fault.amount:
            return self._foreign(fault, Said(_documented(method, path), b""), headers)
        status, answer = self._api.answer(method, path, query, body)
        if kind == "error after":
            return _error(502, headers)
        genuine = Said(status, b"" if status == 204 else encoding.dumps(answer).encode())
        if fault is not None and kind == "foreign answer":
            return self._foreign(fault, genuine, headers)
        return Reply(status, genuine.body, headers)

    def _own_headers(self) -> dict[str, str]:
        """What the API says in each reply."""
        world = self._world
        wrong = world.injector.storm("wrong date", world.now())
        return {
            "date": foreign.date(world.wall() + (0.0 if wrong is None else foreign.CLOCKS[wrong.who])),
            "ratelimit-limit": str(HOUR_LIMIT),
            "ratelimit-remaining": str(HOUR_LIMIT - self._limit.total),
            "ratelimit-reset": str(int(world.wall()) + 3000),
        }

    def _refusal(self, headers: Mapping[str, str], fault: Fault | None) -> Reply | None:
        """Return the answer to a request that is not carried out; None if it is."""
        world, kind = self._world, "" if fault is None else fault.kind
        if world.injector.storm("throttle storm", world.now()) and world.draw(0, 1) < 0.6:
            world.closed()
            return _error(429, {**headers, "retry-after": "3"})
        if not self._limit.admits(world.now()):
            world.closed()
            world.throttled()
            return _error(429, {**headers, "retry-after": "10"})
        if kind == "error before" or (world.injector.storm("error storm", world.now()) and world.draw(0, 1) < 0.6):
            return _error(503, headers)
        if kind == "refused":
            return _error(403, headers)
        if fault is not None and kind == "too soon":
            wait = {"retry-after": str(int(fault.amount))} if fault.amount else {}
            return _refusal(429, foreign.INTERVAL_TEXT, {**headers, **wait})
        return None

    def _foreign(self, fault: Fault, genuine: Said, own: Mapping[str, str]) -> Reply:
        """Answer in the API's place. What the cloud has told of its limits is not known there, but by a cache."""
        name, make = foreign.ANSWERS[fault.who]
        said = make(genuine)
        self._world.trace.note("foreign", name)
        if name in foreign.LISTS:
            self._world.lied()
        if said.status == 429 or (said.headers or {}).get("ratelimit-remaining") == "0":
            self._world.closed()
        headers = {"date": own["date"]} if said.kind == foreign.HTML or said.status == 204 else dict(own)
        content = Content(said.body, said.length, self._check_length)
        return Reply(said.status, said.body, {**headers, **(said.headers or {})}, said.kind, content)

    def _check_length(self, read: int) -> None:
        if read > LONGEST_BODY:
            self._world.broken(f"{read} bytes of one body were read")

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
        token = headers["Authorization"].removeprefix("Bearer ")
        assert token in {TOKEN, OTHER_TOKEN}, headers
        request = method, url.removeprefix("http://cloud"), params or {}, json or {}
        return Exchange(self._wire, self._owner, request, token)


class Exchange:
    """One request, as an asynchronous context."""

    def __init__(self, wire: Wire, sender: Process, request: Request, token: str) -> None:
        self._wire = wire
        self._token = token
        self._sender = sender
        self._request = request

    async def __aenter__(self) -> Reply:
        return await self._wire.send(self._sender, self._request, self._token)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Self | None:
        return None


_KEY = ConnectionKey("cloud", 80, False, True, None, None, None)  # aiohttp's own


def _slowness(fault: Fault | None) -> float:
    return fault.amount if fault is not None and fault.kind == "slow reply" else 0.0


def _error(status: int, headers: Mapping[str, str]) -> Reply:
    return _refusal(status, ERROR_TEXTS[status], headers)


def _refusal(status: int, text: str, headers: Mapping[str, str]) -> Reply:
    return Reply(status, encoding.dumps({"id": ERROR_IDS[status], "message": text}).encode(), headers)


def _documented(method: str, path: str) -> int:
    """Return the status of success that the API documents for a change."""
    if method == "DELETE" or path.endswith("/resources"):
        return 204
    return 202 if path.endswith("/actions") else 201


def _said(answer: Reply) -> str:
    """Return what an error says, for the trace."""
    try:
        said = encoding.loads(answer.body) if answer.status >= 400 else {}
    except ValueError:
        return ""
    return f" {said.get('message', '')}".rstrip() if isinstance(said, dict) else ""
