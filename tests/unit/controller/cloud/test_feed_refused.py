"""A token that may not list the account's actions still serves: actions are read one by one."""

import asyncio

import pytest

from common import deadlines, errors
from common.commit import Commits
from controller.cloud.base import Action, Kind, Page, Place
from controller.cloud.feed import Feed
from tests.fakes.cloud import REGION, FakeCloud
from tests.unit.controller.world import Calm

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


class Forbidding(FakeCloud):
    """A cloud whose token was given without the right to list actions."""

    async def account_actions(self, number: int) -> Page[Action]:
        raise errors.Refused(f"GET /v2/actions?page={number}: the cloud answered 403")


async def test_two_waiters_are_answered_though_the_list_of_actions_is_refused() -> None:
    cloud, commits = Forbidding(), Commits()
    feed = Feed(cloud, commits, Calm())
    async with asyncio.TaskGroup() as tasks:
        waits = [tasks.create_task(_attach(cloud, feed, droplet)) for droplet in (101, 102)]
    assert [wait.result().ended for wait in waits] == [True, True]
    assert commits.failure is None
    await commits.close()


async def _attach(cloud: FakeCloud, feed: Feed, droplet: int) -> Action:
    loop = asyncio.get_running_loop()
    volume = cloud.make_volume(f"pvc-{droplet}")
    with deadlines.until(loop.time() + 60):
        action = await cloud.attach(Place(volume.id, REGION, droplet), ())
        assert action.kind is Kind.ATTACH
        return await feed.wait(volume.id, action, loop.time())
