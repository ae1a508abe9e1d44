import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common import errors
from common.tasks import Tasks
from controller.cloud.records import ActionState, Pending, Place, Progress
from controller.pacing.action_poll import ActionPoll
from controller.pacing.look_price import Left
from tests.fakes.cloud import FakeCloud, Fault
from tests.unit.controller.world import FULL, SCARCE, Calm, in_virtual_time, within


class Stage:
    """A feed on a cloud with volumes, one on each server."""

    def __init__(self, count: int, action_seconds: float = 1.5, left: Left = FULL) -> None:
        self.cloud = FakeCloud([str(number + 1) for number in range(count)], action_seconds)
        self.tasks = Tasks()
        self.action_poll = ActionPoll(self.cloud, self.tasks, Calm(left))
        self.volumes = [self.cloud.make_volume(f"pvc-{number}").id for number in range(count)]

    async def start(self, number: int) -> Pending:
        action = await self.cloud.attach(Place(self.volumes[number], str(number + 1)), ())
        assert action is not None
        return action

    async def wait(self, action: Pending) -> Progress:
        return await self.action_poll.wait(action, asyncio.get_running_loop().time())

    async def attach(self, number: int) -> Progress:
        return await self.wait(await self.start(number))


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_many_waiters_share_a_few_looks_at_the_list() -> None:
    stage = Stage(50)
    ended = await asyncio.gather(*(stage.attach(number) for number in range(50)))
    assert all(each.state is ActionState.COMPLETED for each in ended)
    assert stage.cloud.count()["get_action"] <= 1
    assert stage.cloud.count()["account_actions"] <= 5


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_lone_waiter_reads_its_own_action() -> None:
    stage = Stage(1)
    await stage.attach(0)
    assert stage.cloud.count()["account_actions"] == 0


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_list_that_lacks_our_actions_is_found_out_and_left_alone() -> None:
    stage = Stage(20)
    stage.cloud.actions_are_listed = False
    ended = await asyncio.gather(*(stage.attach(number) for number in range(20)))
    assert all(each.state is ActionState.COMPLETED for each in ended)
    stage.cloud.requests.clear()
    for number in range(20):
        stage.cloud.move(stage.volumes[number], ())
    await asyncio.gather(*(stage.attach(number) for number in range(20)))
    await asyncio.gather(*(stage.attach(number) for number in range(0)))
    assert stage.cloud.count()["account_actions"] <= 3


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_waiter_whose_time_is_over_is_told_that_the_action_goes_on() -> None:
    stage = Stage(1, action_seconds=100)
    action = await stage.start(0)
    with pytest.raises(errors.DeadlineExceeded, match="still under way"):
        await within(5, stage.wait(action))


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_looks_that_fail_are_made_again() -> None:
    stage = Stage(1)
    action = await stage.start(0)
    stage.cloud.faults.extend([Fault.NO_EFFECT] * 4)
    assert (await stage.wait(action)).state is ActionState.COMPLETED


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_an_action_that_the_cloud_forgot_ends_the_wait() -> None:
    stage = Stage(1)
    action = await stage.start(0)
    del stage.cloud.volumes[stage.volumes[0]]
    stage.cloud.actions.clear()
    assert (await stage.wait(action)).state is ActionState.FORGOTTEN


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_while_requests_are_dear_the_first_action_of_all_is_looked_at_once() -> None:
    stage = Stage(1, action_seconds=2.4, left=SCARCE)
    await stage.attach(0)
    assert stage.cloud.count()["get_action"] == 1


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_slow_action_is_looked_at_less_and_less_often() -> None:
    stage = Stage(1, action_seconds=100)
    action = await stage.start(0)
    await within(200, stage.wait(action))
    assert stage.cloud.count()["get_action"] <= 40


WAITS = st.lists(st.tuples(st.floats(0, 10), st.sampled_from([0.1, 3.0, 50.0]), st.booleans()), min_size=1, max_size=12)
FAULTS = st.lists(st.sampled_from([Fault.NOTHING, Fault.NO_EFFECT, Fault.LOST_REPLY]), max_size=12)


@settings(max_examples=40, deadline=None)
@given(WAITS, FAULTS, st.booleans())
def test_every_waiter_is_answered(waits: list[tuple[float, float, bool]], faults: list[Fault], listed: bool) -> None:
    in_virtual_time(_every_waiter_is_answered(waits, faults, listed))


async def _every_waiter_is_answered(waits: list[tuple[float, float, bool]], faults: list[Fault], listed: bool) -> None:
    stage = Stage(len(waits))
    stage.cloud.actions_are_listed = listed
    actions = [await stage.start(number) for number in range(len(waits))]
    stage.cloud.faults.extend(faults)

    async def waiter(number: int, start: float, seconds: float, twice: bool) -> list[object]:
        await asyncio.sleep(start)
        calls = [within(seconds, stage.wait(actions[number])) for _ in range(1 + twice)]
        return list(await asyncio.gather(*calls, return_exceptions=True))

    answers = await asyncio.gather(*(waiter(number, *each) for number, each in enumerate(waits)))
    for answer in (each for both in answers for each in both):
        assert isinstance(answer, errors.DeadlineExceeded) or getattr(answer, "ended", False)
    await stage.tasks.close()


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_list_that_cannot_be_read_does_not_hide_our_actions() -> None:
    stage = Stage(5)
    actions = [await stage.start(number) for number in range(5)]
    stage.cloud.list_is_odd = True
    ended = await asyncio.gather(*(stage.wait(action) for action in actions))
    assert all(each.state is ActionState.COMPLETED for each in ended)
