"""A token that may not list the account's actions still serves: actions are read one by one."""

import asyncio

import pytest

from common import deadlines
from common.tasks import Tasks
from controller.cloud.cloud_errors import LookRefused
from controller.cloud.records import Kind, Page, Place, Progress
from controller.pacing.action_poll import ActionPoll
from tests.fakes.cloud import FakeCloud
from tests.unit.controller.world import Calm

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


class Forbidding(FakeCloud):
    """A cloud whose token was given without the right to list actions."""

    async def account_actions(self, number: int) -> Page[Progress]:
        raise LookRefused(f"GET /v2/actions?page={number}: the cloud answered 403")


async def test_two_waiters_are_answered_though_the_list_of_actions_is_refused() -> None:
    cloud, tasks = Forbidding(), Tasks()
    action_poll = ActionPoll(cloud, tasks, Calm())
    async with asyncio.TaskGroup() as group:
        waits = [group.create_task(_attach(cloud, action_poll, server)) for server in ("101", "102")]
    assert [wait.result().ended for wait in waits] == [True, True]
    assert tasks.failure is None
    await tasks.close()


async def _attach(cloud: FakeCloud, action_poll: ActionPoll, server: str) -> Progress:
    loop = asyncio.get_running_loop()
    volume = cloud.make_volume(f"pvc-{server}")
    with deadlines.until(loop.time() + 60):
        action = await cloud.attach(Place(volume.id, server), ())
        assert action is not None
        assert action.kind is Kind.ATTACH
        return await action_poll.wait(action, loop.time())
