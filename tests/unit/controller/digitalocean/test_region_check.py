"""A region that the cloud does not know makes the driver unready; one that takes no volumes is warned of."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from controller.digitalocean.region_check import AGAIN_SECONDS, RegionCheck
from tests.fakes.wire import TOKEN, Reply, Script, said, scripted

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

EMPTY = {"meta": {"total": 0}, "links": {}}
FORBIDDEN = said(403, {"id": "forbidden", "message": "You are not authorized to perform this operation"})


def regions(slug: str = "nyc1", *features: str, available: bool = True) -> Reply:
    return said(200, {"regions": [{"slug": slug, "features": features, "available": available}], **EMPTY})


@asynccontextmanager
async def checking(*answers: Reply) -> AsyncIterator[tuple[RegionCheck, Script, asyncio.Task[None]]]:
    script = Script(*answers)
    client, _, access = scripted(script, proven=False)
    check = RegionCheck(access, client.region)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(check.run("nyc1"))
        await asyncio.sleep(60)
        assert not script.asked
        access.prove(TOKEN, "account-1")
        await asyncio.sleep(1)
        yield check, script, task
        task.cancel()


async def test_a_region_with_volumes_is_asked_for_once_when_the_token_was_let_in() -> None:
    async with checking(regions("nyc1", "storage")) as (check, script, task):
        await asyncio.sleep(10 * AGAIN_SECONDS)
        assert (check.reason, len(script.asked), task.done()) == ("", 1, True)


async def test_a_region_that_the_cloud_does_not_know_is_the_reason_until_it_does() -> None:
    async with checking(regions("nyc3", "storage"), regions("nyc1", "storage")) as (check, _, task):
        assert check.reason == "the cloud has no region nyc1 (remedy: correct AIOCSI_REGION)"
        await asyncio.sleep(AGAIN_SECONDS + 1)
        assert (check.reason, task.done()) == ("", True)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        pytest.param(regions("nyc1", "backups"), "region nyc1 has no volumes", id="no storage"),
        pytest.param(regions("nyc1", "storage", available=False), "region nyc1 takes no new volumes", id="closed"),
    ],
)
async def test_a_region_without_new_volumes_is_warned_of_and_serves_those_that_are_there(
    answer: Reply, text: str
) -> None:
    with capture_logs() as lines:
        async with checking(answer) as (check, _, task):
            assert (check.reason, task.done()) == ("", True)
    assert [line["message"] for line in lines if line["event"] == "region_without_volumes"] == [text]


async def test_a_token_that_may_not_see_regions_is_no_reason() -> None:
    async with checking(FORBIDDEN) as (check, _, task):
        assert (check.reason, task.done()) == ("", True)


async def test_what_is_not_the_clouds_answer_is_no_reason_and_asked_again() -> None:
    page = Reply(404, b"<html></html>", "text/html")
    async with checking(page, regions("nyc1", "storage")) as (check, _, task):
        assert (check.reason, task.done()) == ("", False)
        await asyncio.sleep(AGAIN_SECONDS + 1)
        assert task.done()
