"""A request that was let through and never sent, or whose caller left, takes nothing from the hour for ever."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import cast

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from common import deadlines, errors
from common.metrics import Metrics
from common.tasks import Tasks
from controller.digitalocean.api_request import ApiRequest
from controller.digitalocean.http import Http
from controller.digitalocean.request_metrics import CountedRequests
from controller.digitalocean.token import Token
from controller.digitalocean.token_state import TokenState
from controller.pacing.budget import REQUESTS_PER_MINUTE, Budget
from controller.pacing.lanes import Lane
from tests.unit.controller.digitalocean.scripted import CHANGE

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

REMAINING = 1000

HEADERS = {"ratelimit-limit": "5000", "ratelimit-remaining": str(REMAINING), "ratelimit-reset": "3600"}

READ = ApiRequest("GET", "/v2/volumes", Lane.READ)


class Hanging:
    """A session whose requests are sent and never answered."""

    def __init__(self) -> None:
        self.sent = asyncio.Event()

    def request(self, method: str, url: str, **_: object) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        return self._request(f"{method} {url}")

    @asynccontextmanager
    async def _request(self, _line: str) -> AsyncIterator[aiohttp.ClientResponse]:
        self.sent.set()
        await asyncio.Event().wait()
        yield cast("aiohttp.ClientResponse", None)


class Refusing(Hanging):
    """A session that gets no connection."""

    def request(self, method: str, url: str, **_: object) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        key = ConnectionKey("cloud", 80, False, True, None, None, None)
        raise aiohttp.ClientConnectorError(key, OSError(111, f"{method} {url}"))


@pytest.fixture
def budget() -> Budget:
    return Budget(wall=lambda: 0.0)


def http(budget: Budget, token: Token, session: Hanging) -> Http:
    time: Callable[[], float] = asyncio.get_running_loop().time
    made = Http("http://cloud/", token, budget, TokenState(time), CountedRequests(Metrics().registry))
    made.open(cast("aiohttp.ClientSession", session))
    return made


def left(budget: Budget) -> tuple[int, int]:
    return budget.window.room(asyncio.get_running_loop().time()), budget.quota.remaining


async def test_a_caller_that_leaves_while_its_request_is_under_way_gives_the_permit_back(budget: Budget) -> None:
    budget.learn(HEADERS)
    session = Hanging()
    for _ in range(3):
        session.sent.clear()
        async with asyncio.TaskGroup() as tasks:
            call = tasks.create_task(http(budget, Token("dop_v1_x"), session).send(READ))
            await session.sent.wait()
            call.cancel()
    assert budget.quota.remaining == REMAINING


async def test_a_request_that_cannot_be_sent_for_want_of_a_token_gives_the_permit_back(
    budget: Budget, tmp_path: Path
) -> None:
    budget.learn(HEADERS)
    for _ in range(3):
        with pytest.raises(errors.Unavailable, match="cannot be read"):
            await http(budget, Token(file=tmp_path / "gone"), Hanging()).send(READ)
    assert left(budget) == (REQUESTS_PER_MINUTE, REMAINING)


async def test_a_change_that_is_not_sent_since_its_caller_has_gone_gives_the_permit_back(budget: Budget) -> None:
    budget.learn(HEADERS)
    tasks, turn = Tasks(), asyncio.Event()

    async def change() -> None:
        await turn.wait()
        await http(budget, Token("dop_v1_x"), Hanging()).send(CHANGE)

    async with asyncio.TaskGroup() as callers:
        call = callers.create_task(tasks.finish(change()))
        await asyncio.sleep(0)  # one turn of the loop: it begins
        call.cancel()
    turn.set()
    assert await tasks.settle(10) == 0
    assert left(budget) == (REQUESTS_PER_MINUTE, REMAINING)


async def test_what_gets_no_connection_takes_nothing_from_the_minute_nor_the_hour(budget: Budget) -> None:
    budget.learn(HEADERS)
    with deadlines.until(asyncio.get_running_loop().time() + 30), pytest.raises(errors.NotFinal, match="no connection"):
        await http(budget, Token("dop_v1_x"), Refusing()).send(READ)
    assert left(budget) == (REQUESTS_PER_MINUTE, REMAINING)


async def test_a_caller_that_leaves_at_the_moment_of_its_turn_gives_the_permit_back(budget: Budget) -> None:
    loop = asyncio.get_running_loop()
    budget.learn(HEADERS)
    budget.window.refuse(loop.time(), 5)
    opens = budget.window.opens_at(loop.time(), 1.0)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(budget.admit(Lane.READ, "", loop.time() + 60))
        await asyncio.sleep(0)  # one turn of the loop: it begins to wait
        loop.call_at(opens, waiting.cancel)
    assert waiting.cancelled()
    assert budget.quota.remaining == REMAINING
