"""Calls of the API: token, the budget's turn, what is sent again, and what an answer means to the caller.

A call that may be repeated is repeated inside its deadline; one that may not is sent once, and an answer that is not
the API's own word means that its outcome is unknown. What that word is, ``api_answer`` decides; ``transport`` sends.
Nothing here knows what a volume is.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import pydantic

from common import deadlines, errors
from common.tasks import is_abandoned
from controller.codes import Code
from controller.digitalocean.api_answer import Answer, Meaning, one_line
from controller.digitalocean.api_request import ApiRequest
from controller.digitalocean.outage import Outage
from controller.digitalocean.request_metrics import RequestMetrics
from controller.digitalocean.token import Token
from controller.digitalocean.token_state import REFUSED, TokenState
from controller.digitalocean.transport import Transport
from controller.pacing.budget import Budget
from controller.pacing.lanes import Lane
from controller.pacing.limit_headers import retry_after

Model = TypeVar("Model", bound=pydantic.BaseModel)

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 5.0
LONGEST_TOLD_PAUSE_SECONDS = 120.0
MARGIN_SECONDS, MARGIN_PART = 0.25, 0.05  # the error with its reason must come before the caller's time runs out
PAGES_AT_ONCE = 4  # long replies are held in memory whole
CHECK_ROOT = "check AIOCSI_API_URL, the proxy, and whatever else answers in the API's place"


class Refusal(errors.Refused):
    """The cloud said no, and nothing was done. ``code`` is the HTTP status, ``text`` the cloud's own words.

    ``retry_after`` is how long it asks to wait, seconds; 0 if it does not say.
    """

    default_code = Code.CLOUD_REFUSED

    def __init__(self, call: ApiRequest, code: int, text: str, retry_after: float = 0.0) -> None:
        super().__init__(f"{call}: the cloud answered {code}: {text}")
        self.code = code
        self.of_change = call.changes
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
        self._transport = Transport(root, requests)
        self.open = self._transport.open
        self._token = token
        self._budget = budget
        self._access = access
        self._outage = Outage(lambda: asyncio.get_running_loop().time())
        self._pages = asyncio.Semaphore(PAGES_AT_ONCE)

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
            turn = await self._admit(tries, deadline)
            token = await self._token_to_send(call, turn)
            with deadlines.waiting(str(tries) if tries.seen else f"{call}: the cloud has not answered yet"):
                answer = await self._paid(call, token, turn, deadline)
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
            await _pause(told, pause, deadline, tries)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    @asynccontextmanager
    async def _place(self, tries: Tries, deadline: float) -> AsyncIterator[None]:
        """Hold one of the places of long replies, if that is what is asked for."""
        if tries.call.lane is not Lane.LIST:
            yield
            return
        text = f"{tries.call}: {PAGES_AT_ONCE} other lists are being read"
        try:
            with deadlines.waiting(text):
                async with asyncio.timeout_at(deadline):
                    await self._pages.acquire()
        except TimeoutError:
            raise errors.Unavailable(text, error_code=Code.RATE_LIMIT) from None
        try:
            yield
        finally:
            self._pages.release()

    async def _admit(self, tries: Tries, deadline: float) -> float:
        try:
            with deadlines.waiting(f"{tries}; its turn by the API's limit of requests has not come yet"):
                return await self._budget.admit(tries.call.lane, tries.call.share, deadline)
        except errors.Unavailable as error:
            raise errors.unavailable(error, f"{tries}: {error.message}") from None

    async def _token_to_send(self, call: ApiRequest, turn: float) -> str:
        """Return the token. Raises Unavailable, and gives the turn back, if nothing is to be sent.

        There is no token, or none of the account whose volumes are known, or the caller of a change has gone: another
        process may have answered for the same object meanwhile.
        """
        try:
            _refuse_abandoned(call)
            token = self._token.current()
            if not call.proves:
                await self._access.admit(token)
        except BaseException:
            self._budget.unsent(turn)
            raise
        return token

    async def _paid(self, call: ApiRequest, token: str, turn: float, deadline: float) -> Answer:
        """Send once. The budget learns how that ended, also if the caller leaves meanwhile."""
        answer: Answer | None = None
        try:
            answer = await self._transport.send(call, token, deadline)
        finally:
            if answer is not None and not answer.sent:
                self._budget.unsent(turn)
            elif answer is None or not (answer.is_word or answer.status == 429):
                self._budget.no_answer()
            else:
                limited = answer.status == 429 and answer.meaning is not Meaning.REFUSED
                self._budget.learn(answer.headers, limited=limited)
        self._tell(answer, token)
        return answer

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
                remedy="put a valid token into its Secret",
                error_code=Code.TOKEN_REFUSED,
            )
        if answer.meaning is not Meaning.REFUSED or answer.error is None:
            deadlines.note(seen)
            kind = errors.OutcomeUnknown if answer.sent else errors.Unavailable
            raise kind(seen, remedy="" if answer.may_pass else CHECK_ROOT, error_code=Code.CLOUD_SILENT)
        if answer.status in {400, 404} and not self._access.is_proven(token):
            self._access.doubted.set()
            raise errors.OutcomeUnknown(
                f"{seen}; this is not believed before the cloud has let the API token in at this address",
                remedy=CHECK_ROOT,
                error_code=Code.ANSWER_UNPROVEN,
            )
        told = retry_after(answer.headers, 0.0, self._budget.wall())
        raise Refusal(call, answer.status, one_line(answer.error.message, 300), told)


def _refuse_abandoned(call: ApiRequest) -> None:
    if call.changes and is_abandoned():
        raise errors.Unavailable(f"{call}: not sent, because the caller has gone", error_code=Code.CALLER_GONE)


async def _pause(told: float, spread: float, deadline: float, tries: Tries) -> None:
    """Wait as long as was ``told``, and some of ``spread`` seconds. Raises OutcomeUnknown if the deadline is before."""
    length = told + spread * random.uniform(0.5, 1)  # noqa: S311 (spreads retries, keeps no secret)
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
