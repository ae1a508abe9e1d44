"""The rate limit may hold a look back for a minute: that says nothing of the list of actions."""

import asyncio

import pytest

from common import deadlines, errors
from common.tasks import Tasks
from controller.cloud.records import Page, Pending, Place, Progress
from controller.pacing.action_poll import ActionPoll
from tests.fakes.cloud import FakeCloud
from tests.unit.controller.world import Calm

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


class Full(FakeCloud):
    """A cloud whose list of actions is not asked at first: the budget lets no look through."""

    held_back = 6

    async def account_actions(self, page: int) -> Page[Progress]:
        if self.held_back:
            self.held_back -= 1
            raise errors.Unavailable("the cloud's rate limit leaves no room")
        return await super().account_actions(page)


async def test_a_look_that_the_rate_limit_holds_back_does_not_make_the_list_doubtful() -> None:
    cloud, tasks = Full(), Tasks()
    action_poll = ActionPoll(cloud, tasks, Calm())
    started = [await _start(cloud, server) for server in ("101", "102")]
    loop = asyncio.get_running_loop()
    with deadlines.until(loop.time() + 60):
        ended = await asyncio.gather(*(action_poll.wait(each, loop.time()) for each in started))
    assert all(each.ended for each in ended)
    assert "account_actions" in cloud.requests
    await tasks.close()


async def _start(cloud: FakeCloud, server: str) -> Pending:
    volume = cloud.make_volume(f"pvc-{server}")
    started = await cloud.attach(Place(volume.id, server), ())
    assert started is not None
    return started
