"""Sends requests to the API: token, the budget's turn, time-outs, and what is sent again.

A call that may be repeated is repeated inside its deadline; one that may not is sent once, and an answer that is not
the API's own word means that its outcome is unknown. What that word is, ``api_answer`` decides. Nothing here knows what
a volume is.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
import pydantic
import structlog

from common import codes as common_codes
from common import deadlines, errors
from common.tasks import is_abandoned
from controller.codes import Code
from controller.digitalocean import connection
from controller.digitalocean.api_answer import ERROR_BYTES, Answer, Meaning, one_line
from controller.digitalocean.api_request import ApiRequest
from controller.digitalocean.outage import Outage
from controller.digitalocean.request_metrics import RequestMetrics, route
from controller.digitalocean.token import Token
from controller.digitalocean.token_state import REFUSED, TokenState
from controller.pacing.budget import Budget
from controller.pacing.lanes import Lane
from controller.pacing.limit_headers import retry_after

Model = TypeVar("Model", bound=pydantic.BaseModel)

TELLING_SECONDS = 2.0  # no answer in less, because the caller had no more time, tells nothing of the cloud
ANSWER_SECONDS = 30.0  # a change that was sent is waited for this long, though its caller may be gone
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 5.0
LONGEST_TOLD_PAUSE_SECONDS = 120.0
MARGIN_SECONDS, MARGIN_PART = 0.25, 0.05  # the error with its reason must come before the caller's time runs out
PAGES_AT_ONCE = 4  # long replies are held in memory whole
CHUNK_BYTES = 64 * 1024
BYTES_OF_A_VALUE = 8  # at least, on average: JSON of ones and commas takes many times its length in memory
CHECK_ROOT = "check AIOCSI_API_URL, the proxy, and whatever else answers in the API's place"

log = structlog.get_logger("cloud")


class Refusal(errors.Refused):
    """The cloud said no, and nothing was done. ``code`` is the HTTP status, ``text`` the cloud's own words.

    ``retry_after`` is how long it asks to wait, seconds; 0 if it does not say.
    """

    default_code = Code.CLOUD_REFUSED

    def __init__(self, call: ApiRequest, code: int, text: str, retry_after: float = 0.0) -> None:
        super().__init__(f"{call}: the cloud answered {code}: {text}")
        self.code = code
        self.text = text
        self.retry_after = retry_after


class UnprovenSuccess(errors.OutcomeUnknown):
    """The documented status of success came, but nothing shows that the API sent it."""

    default_code = Code.ANSWER_UNPROVEN


@dataclass
class Tries:
    """How one call has gone so far. Times are loop time."""

    call: ApiRequest
    since: float
    count: int = 0
    seen: str = ""
    remedy: str = ""

    def note(self, answer: Answer) -> None:
        """Take note of what stood in the way. A try that the caller's own end cut short tells less than one before."""
        self.count += 1
        if not (answer.cut_short and self.seen):
            self.seen = answer.seen()
            self.remedy = "" if answer.sent else CHECK_ROOT
        deadlines.note(str(self))

    def __str__(self) -> str:
        seconds = asyncio.get_running_loop().time() - self.since
        times = f", {self.count} times in {seconds:.0f} s" if self.count > 1 else ""
        return f"{self.call}: {self.seen}{times}" if self.seen else str(self.call)


class Http:
    """Sends calls to the API at ``root`` (as in ``https://api.digitalocean.com/``)."""

    def __init__(self, root: str, token: Token, budget: Budget, access: TokenState, requests: RequestMetrics) -> None:
        self._root = root.rstrip("/")
        self._proxy = connection.proxy_for(root)
        self._token = token
        self._budget = budget
        self._access = access
        self._requests = requests
        self._outage = Outage(lambda: asyncio.get_running_loop().time())
        self._pages = asyncio.Semaphore(PAGES_AT_ONCE)
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
        now, end = asyncio.get_running_loop().time(), deadlines.current()
        deadline = end - min(MARGIN_SECONDS, MARGIN_PART * max(0.0, end - now))
        tries = Tries(call, now)
        async with self._place(tries, deadline):
            return await self._send(call, tries, deadline)

    async def _send(self, call: ApiRequest, tries: Tries, deadline: float) -> bytes:
        pause = FIRST_PAUSE_SECONDS
        retoken = True
        while True:
            await self._admit(tries, deadline)
            if call.changes and is_abandoned():  # another process may have answered for the same object meanwhile
                raise errors.Unavailable(f"{call}: not sent, because the caller has gone", error_code=Code.CALLER_GONE)
            token = await self._current_token(call)
            answer = await self._paid(call, token, deadline)
            if answer.meaning is Meaning.TOKEN_REFUSED and retoken:  # the token may just have been replaced
                self._token.doubt()
                retoken = False
                continue
            if answer.meaning is Meaning.ACCOUNT_LIMIT:  # nothing was done; the budget knows when it opens again
                tries.note(answer)
                continue
            if answer.meaning is not Meaning.UNKNOWN or not (call.repeatable and answer.may_pass):
                return self._judge(answer, token)
            tries.note(answer)
            told = min(LONGEST_TOLD_PAUSE_SECONDS, retry_after(answer.headers, 0.0, self._budget.wall()))
            await _pause(max(pause, told), deadline, tries)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    @asynccontextmanager
    async def _place(self, tries: Tries, deadline: float) -> AsyncIterator[None]:
        """Hold one of the places of long replies, if that is what is asked for."""
        if tries.call.lane is not Lane.LIST:
            yield
            return
        try:
            async with asyncio.timeout_at(deadline):
                await self._pages.acquire()
        except TimeoutError:
            raise errors.Unavailable(
                f"{tries.call}: {PAGES_AT_ONCE} other lists are being read", error_code=Code.RATE_LIMIT
            ) from None
        try:
            yield
        finally:
            self._pages.release()

    async def _admit(self, tries: Tries, deadline: float) -> None:
        try:
            await self._budget.admit(tries.call.lane, tries.call.share, deadline)
        except errors.Unavailable as error:
            raise errors.unavailable(error, f"{tries}: {error.message}") from None

    async def _current_token(self, call: ApiRequest) -> str:
        """Return the token. Raises Unavailable if there is none, or none of the account whose volumes are known."""
        try:
            token = self._token.current()
            if not call.proves:
                await self._access.admit(token)
        except BaseException:
            self._budget.no_answer()
            raise
        return token

    async def _paid(self, call: ApiRequest, token: str, deadline: float) -> Answer:
        """Send once. The budget learns how that ended, also if the caller leaves meanwhile."""
        answer: Answer | None = None
        try:
            answer = await self._exchange(call, token, deadline)
        finally:
            if answer is None or not (answer.is_word or answer.status == 429):
                self._budget.no_answer()
            else:
                limited = answer.status == 429 and answer.meaning is not Meaning.REFUSED
                self._budget.learn(answer.headers, limited=limited)
        self._tell(answer, token)
        return answer

    async def _exchange(self, call: ApiRequest, token: str, deadline: float) -> Answer:
        """Send once. A request that got no answer comes back as status 0."""
        now = asyncio.get_running_loop().time()
        limit = min(deadline, now + ANSWER_SECONDS) if call.method == "GET" else now + ANSWER_SECONDS
        if self._session is None:
            raise errors.Unavailable(
                "the driver is shutting down",
                error_code=common_codes.Code.SHUTTING_DOWN,
            )
        try:
            async with asyncio.timeout_at(limit):
                answer = await self._answered(self._session, call, token)
        except aiohttp.ClientConnectorError as error:
            answer = Answer(call, 0, flaw=f"no connection: {connection.no_connection(error)}", sent=False)
        except aiohttp.ClientHttpProxyError as error:
            answer = Answer(call, 0, flaw=f"no connection: the proxy answered {error.status}", sent=False)
        except aiohttp.ConnectionTimeoutError:
            where = connection.place_of(self._proxy or self._root)
            answer = Answer(call, 0, flaw=f"no connection: {where} does not answer", sent=False)
        except TimeoutError:
            seconds = asyncio.get_running_loop().time() - now
            flaw = f"no answer in {seconds:.0f} s"
            answer = Answer(call, 0, flaw=flaw, cut_short=seconds < TELLING_SECONDS)
        except aiohttp.ClientError as error:
            answer = Answer(call, 0, flaw=f"no whole answer ({type(error).__name__})")
        self._note(call, answer, asyncio.get_running_loop().time() - now)
        return answer

    async def _answered(self, session: aiohttp.ClientSession, call: ApiRequest, token: str) -> Answer:
        async with session.request(
            call.method,
            self._root + call.path,
            params=call.query,
            json=call.json,
            headers={"Authorization": f"Bearer {token}"},
            proxy=self._proxy,
            allow_redirects=False,
        ) as reply:
            longest = call.longest if reply.status == call.success else ERROR_BYTES
            body, flaw = await _body(reply, longest)
            return Answer(call, reply.status, body, reply.headers, flaw)

    def _note(self, call: ApiRequest, answer: Answer, seconds: float) -> None:
        self._requests.count(call.method, call.path, answer.status, seconds)
        log.debug(
            "request",
            method=call.method,
            route=route(call.path),
            status=answer.status,
            seconds=round(seconds, 3),
            cloud_request_id=one_line(answer.headers.get("x-request-id", ""), 64),
        )

    def _tell(self, answer: Answer, token: str) -> None:
        """Let those know who watch whether the cloud answers, and lets us in."""
        if answer.meaning is Meaning.TOKEN_REFUSED:
            self._access.lack(REFUSED)
        elif answer.is_word:
            deadlines.note("")
            self._access.answered(token)
        elif answer.meaning is Meaning.UNKNOWN:
            self._access.lack(f"{answer.request}: {answer.seen()}")
            self._outage.failed(str(answer.request), answer.seen())
            return
        self._outage.answered()

    def _judge(self, answer: Answer, token: str) -> bytes:
        call, seen = answer.request, f"{answer.request}: {answer.seen()}"
        if answer.meaning is Meaning.SUCCESS:
            return answer.body
        if answer.meaning is Meaning.UNPROVEN_SUCCESS:
            raise UnprovenSuccess(seen, remedy=CHECK_ROOT)
        if answer.meaning is Meaning.TOKEN_REFUSED:
            raise errors.Unavailable(
                f"{call}: the cloud refuses the API token",
                remedy="give the driver a valid token",
                error_code=Code.TOKEN_REFUSED,
            )
        if answer.meaning is not Meaning.REFUSED or answer.error is None:
            deadlines.note(seen)
            kind = errors.OutcomeUnknown if answer.sent else errors.Unavailable
            raise kind(seen, remedy="" if answer.may_pass else CHECK_ROOT, error_code=Code.CLOUD_SILENT)
        if answer.status == 404 and not self._access.is_proven(token):
            self._access.doubted.set()
            raise errors.OutcomeUnknown(
                f"{seen}; this is not believed before the cloud has let the API token in at this address",
                remedy=CHECK_ROOT,
                error_code=Code.ANSWER_UNPROVEN,
            )
        told = retry_after(answer.headers, 0.0, self._budget.wall())
        raise Refusal(call, answer.status, one_line(answer.error.message, 300), told)


async def _body(reply: aiohttp.ClientResponse, longest: int) -> tuple[bytes, str]:
    """Return the body, or why it cannot be used. No more than ``longest`` bytes of it are ever held."""
    encoding = one_line(reply.headers.get("Content-Encoding", ""), 40).lower()
    if encoding not in {"", "identity"}:
        return b"", f"it is compressed ({encoding}), which was not asked for"
    body = bytearray()
    while part := await reply.content.read(CHUNK_BYTES):
        body += part
        if len(body) > longest:
            return b"", f"it is longer than {longest} bytes"
    if body.count(b",") > longest // BYTES_OF_A_VALUE:
        return b"", "it has too many values"
    return bytes(body), ""


async def _pause(seconds: float, deadline: float, tries: Tries) -> None:
    """Wait between half of ``seconds`` and all of it. Raises OutcomeUnknown if the deadline comes first."""
    length = seconds * random.uniform(0.5, 1)  # noqa: S311 (spreads retries, keeps no secret)
    if asyncio.get_running_loop().time() + length >= deadline:
        raise errors.OutcomeUnknown(str(tries), remedy=tries.remedy, error_code=Code.CLOUD_SILENT)
    await asyncio.sleep(length)  # noqa: TID251 (nothing tells when a failing server is well again)


def _misfit(call: ApiRequest, error: pydantic.ValidationError) -> errors.NotFinal:
    """Name the field, never its value: a reply may hold what no one should read."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the whole reply"
    return errors.OutcomeUnknown(
        f"{call}: the cloud's answer does not fit: {one_line(where, 100)}: {one_line(first['msg'], 200)}",
        remedy="check AIOCSI_API_URL, or report that the API has changed",
        error_code=Code.ANSWER_ODD,
    )
