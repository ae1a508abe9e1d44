"""The one HTTP session with the cloud: token, proxies, time-outs, the budget's turn, retries, and what a status means.

A call that may be repeated is repeated inside its deadline; one that may not is sent once, and a missing answer means
that its outcome is unknown. Nothing here knows what a volume is.
"""

import asyncio
import random
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import pydantic

from common import __version__, deadlines, errors
from controller.digitalocean.models import ErrorJson
from controller.digitalocean.request_metrics import RequestMetrics
from controller.digitalocean.token import Token
from controller.digitalocean.token_state import TokenState
from controller.pacing.budget import Budget
from controller.pacing.lanes import Lane

Model = TypeVar("Model", bound=pydantic.BaseModel)
Value = str | int | list[str] | list[dict[str, str]] | None

CONNECTIONS = 32
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 30.0  # a change that was sent is waited for this long, though its caller may be gone
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 5.0


@dataclass(frozen=True)
class ApiRequest:
    """One request. ``share`` names whom it is for: inside a lane, everyone gets the same share."""

    method: str
    path: str
    lane: Lane
    share: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Value] | None = None

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice does the same as sending it once."""
        return self.method in {"GET", "DELETE"}

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Refusal(errors.Refused):
    """The cloud said no, and nothing was done. ``code`` is the HTTP status, ``text`` the cloud's own words."""

    def __init__(self, call: ApiRequest, code: int, text: str) -> None:
        super().__init__(f"{call}: the cloud answered {code}: {text}")
        self.code = code
        self.text = text


class Http:
    """Sends calls to the API at ``root`` (as in ``https://api.digitalocean.com/``)."""

    def __init__(self, root: str, token: Token, budget: Budget, access: TokenState, requests: RequestMetrics) -> None:
        self._root = root.rstrip("/")
        self._proxy = _proxy_for(root)
        self._token = token
        self._budget = budget
        self._access = access
        self._requests = requests
        self._session: aiohttp.ClientSession | None = None

    def open(self, session: aiohttp.ClientSession) -> None:
        """Use ``session`` from now on; it is closed by whoever made it."""
        self._session = session

    async def read(self, call: ApiRequest, model: type[Model]) -> Model:
        """Send the call and return the reply as ``model``. Raises Refusal, or NotFinal."""
        body = await self.send(call)
        try:
            return model.model_validate_json(body)
        except pydantic.ValidationError as error:
            raise _misfit(call, error) from None

    async def send(self, call: ApiRequest) -> bytes:
        """Send the call and return the body of a success. Raises Refusal, or NotFinal when it is too late."""
        deadline = deadlines.current()
        pause = FIRST_PAUSE_SECONDS
        retoken = True
        while True:
            await self._budget.admit(call.lane, call.share, deadline)
            answer = await self._paid(call, deadline)
            if answer.status == 401 and retoken:  # nothing was done; the token may just have been replaced
                self._token.doubt()
                retoken = False
                continue
            if answer.status == 429:  # refused before anything was done; the budget knows when it opens again
                continue
            if answer.again and call.repeatable:
                await _pause(pause, deadline, call)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                continue
            return self._judge(call, answer)

    async def _paid(self, call: ApiRequest, deadline: float) -> "Answer":
        """Send once. The budget learns how that ended, also if there is no token, or the caller leaves meanwhile."""
        answer: Answer | None = None
        try:
            answer = await self._exchange(call, deadline)
        finally:
            if answer is None or answer.status == 0:
                self._budget.no_answer()
            else:
                self._budget.learn(answer.status, answer.headers)
        return answer

    async def _exchange(self, call: ApiRequest, deadline: float) -> "Answer":
        """Send once. A request that got no answer comes back as status 0."""
        now = asyncio.get_running_loop().time()
        limit = min(deadline, now + ANSWER_SECONDS) if call.method == "GET" else now + ANSWER_SECONDS
        if self._session is None:
            raise errors.Unavailable("the HTTP session is closed")
        headers = {"Authorization": f"Bearer {self._token.current()}"}
        try:
            async with (
                asyncio.timeout_at(limit),
                self._session.request(
                    call.method,
                    self._root + call.path,
                    params=call.query,
                    json=call.json,
                    headers=headers,
                    proxy=self._proxy,
                ) as reply,
            ):
                body = await reply.read()
                answer = Answer(reply.status, body, asyncio.get_running_loop().time() - now, headers=reply.headers)
        except (aiohttp.ClientError, TimeoutError) as error:
            started = not isinstance(error, aiohttp.ClientConnectorError)
            answer = Answer(0, type(error).__name__.encode(), asyncio.get_running_loop().time() - now, started=started)
        self._requests.count(call.method, call.path, answer.status, answer.seconds)
        self._access.learn(answer.status)
        return answer

    def _judge(self, call: ApiRequest, answer: "Answer") -> bytes:
        if 200 <= answer.status < 300:
            return answer.body
        if answer.status == 0 and not answer.started:
            raise errors.Unavailable(f"{call}: no connection to the cloud ({answer.text})")
        if answer.status == 0:
            raise errors.OutcomeUnknown(f"{call}: no answer ({answer.text})")
        if answer.status >= 500:
            raise errors.OutcomeUnknown(f"{call}: the cloud answered {answer.status}")
        if answer.status == 401:
            raise errors.Unavailable(f"{call}: the cloud refuses the API token", remedy="give the driver a valid token")
        if answer.status < 400:
            raise errors.Unavailable(f"{call}: the cloud answered {answer.status}", remedy="check AIOCSI_API_URL")
        raise Refusal(call, answer.status, answer.text)


@dataclass(frozen=True)
class Answer:
    """What came back: ``status`` 0 if nothing did, ``started`` False if the request was never sent."""

    status: int
    body: bytes
    seconds: float
    started: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def again(self) -> bool:
        """Whether the same request may succeed in a moment."""
        return self.status == 0 or self.status >= 500

    @property
    def text(self) -> str:
        """What the cloud says about a failure, short."""
        try:
            message = ErrorJson.model_validate_json(self.body).message
        except pydantic.ValidationError:
            message = self.body.decode(errors="replace")
        return " ".join(message.split())[:300] or "no text"


def session(ca_file: str = "") -> aiohttp.ClientSession:
    """Make the session: keep-alive, our user agent, an own CA beside the system's."""
    tls = _tls(ca_file)
    connector = aiohttp.TCPConnector(limit=CONNECTIONS, ssl=tls, keepalive_timeout=60)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
    agent = {"User-Agent": f"aiocsi/{__version__}", "Accept": "application/json"}
    return aiohttp.ClientSession(connector=connector, timeout=timeout, headers=agent)


def _proxy_for(root: str) -> str | None:
    """Return the proxy that the environment names for the API.

    aiohttp would read it too, but then looks into ~/.netrc on every request, and fails on an entry for the host there.
    """
    url = urlsplit(root)
    if url.hostname is None or proxy_bypass(url.hostname):
        return None
    return getproxies().get(url.scheme)


def _tls(ca_file: str) -> ssl.SSLContext | bool:
    if not ca_file:
        return True
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=ca_file)
    return context


async def _pause(seconds: float, deadline: float, call: ApiRequest) -> None:
    """Wait between half of ``seconds`` and all of it. Raises OutcomeUnknown if the deadline comes first."""
    length = seconds * random.uniform(0.5, 1)  # noqa: S311 (spreads retries, keeps no secret)
    if asyncio.get_running_loop().time() + length >= deadline:
        raise errors.OutcomeUnknown(f"{call}: no answer from the cloud before the deadline")
    await asyncio.sleep(length)  # noqa: TID251 (nothing tells when a failing server is well again)


def _misfit(call: ApiRequest, error: pydantic.ValidationError) -> errors.NotFinal:
    """Name the field, never its value: a reply may hold what nobody should read."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the whole reply"
    return errors.OutcomeUnknown(
        f"{call}: the cloud's answer does not fit: {where}: {first['msg']}",
        remedy="check AIOCSI_API_URL, or report that the API has changed",
    )
