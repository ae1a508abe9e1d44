"""The HTTP session against a server in this process, whose answers are scripted."""

import asyncio
import re

import pytest
from aiohttp import web

from common import deadlines, errors
from common.tasks import Tasks
from controller.digitalocean import models
from controller.digitalocean.http import Refusal
from tests.unit.controller.digitalocean.scripted import (
    ACCOUNT,
    CHANGE,
    READ,
    SECRET,
    Script,
    api,
)

pytestmark = pytest.mark.asyncio

LIMITED = {"id": "too_many_requests", "message": "API Rate limit exceeded."}


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
            deadlines.until(asyncio.get_running_loop().time() + 20),
            pytest.raises(errors.Unavailable, match=r"retry after 3\d s"),
        ):
            await http.send(READ)
    assert len(script.tokens) == 1


async def test_an_error_names_the_last_obstacle_and_how_often_it_stood_in_the_way() -> None:
    async with api(Script((503, "busy"))) as http:
        with (
            deadlines.until(asyncio.get_running_loop().time() + 1.5) as obstacle,
            pytest.raises(errors.NotFinal) as late,
        ):
            await http.send(READ)
    assert re.search(r"GET /v2/account: the cloud answered 503, \d times in \d s", str(late.value))
    assert obstacle
    assert "503" in obstacle[0]


async def test_the_retry_after_of_a_503_is_heard_and_never_cut_short() -> None:
    script = Script((503, "busy"))
    script.headers = {"retry-after": "2"}
    async with api(script) as http:
        with deadlines.until(asyncio.get_running_loop().time() + 2), pytest.raises(errors.NotFinal, match="503"):
            await http.send(READ)
    assert len(script.tokens) == 1


class Silent(Script):
    """Answers nothing."""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.set()
        await asyncio.Event().wait()
        return await super().answer(request)


async def test_a_change_that_is_not_answered_yet_is_what_stands_in_the_way() -> None:
    script = Silent()
    async with api(script) as http, asyncio.timeout(20):
        with deadlines.until(asyncio.get_running_loop().time() + 60) as obstacle:
            change = asyncio.create_task(http.send(CHANGE))
            await script.asked.wait()
            assert obstacle == ["POST /v2/volumes: the cloud has not answered yet"]
            change.cancel()
