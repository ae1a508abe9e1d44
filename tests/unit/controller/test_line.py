"""The line of a server: the next action starts as soon as the last can have ended, and nothing is believed for that."""

import asyncio
from collections import Counter

import pytest

from common import errors
from controller.cloud.records import Kind
from tests.fakes.cloud import FakeCloud, Fault
from tests.unit.controller.world import SCARCE, World, within

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def learned(world: World) -> None:
    """Let the world learn how long attaches and detaches take, on another server."""
    for number in range(15):
        volume = await world.create(f"learn-{number}")
        await world.publish(volume, "102")
        await world.unpublish(volume, "102")
    world.cloud.requests.clear()


async def made(world: World, count: int) -> list[str]:
    return [await world.create(f"pvc-{number}") for number in range(count)]


async def test_a_line_of_attaches_takes_hardly_longer_than_the_actions_themselves() -> None:
    world = World()
    await learned(world)
    volumes = await made(world, 15)
    start = asyncio.get_running_loop().time()
    await asyncio.gather(*(world.publish(volume, "101") for volume in volumes))
    took = asyncio.get_running_loop().time() - start
    assert took <= 1.03 * 15 * (world.cloud.action_seconds + world.cloud.latency)
    assert all(world.cloud.holders(volume) == ("101",) for volume in volumes)


async def test_what_an_action_came_to_is_read_before_its_caller_hears_of_it_though_the_next_has_begun() -> None:
    world = World()
    await learned(world)
    first, second = await made(world, 2)
    world.cloud.next_action_fails = True
    answers = await asyncio.gather(world.publish(first, "101"), world.publish(second, "101"), return_exceptions=True)
    assert isinstance(answers[0], errors.Unavailable)
    assert answers[1] == "pvc-1"
    assert world.cloud.holders(first) == ()


async def test_while_requests_are_dear_no_start_is_refused() -> None:
    world = World(left=SCARCE)
    await learned(world)
    volumes = await made(world, 5)
    await asyncio.gather(*(world.publish(volume, "101") for volume in volumes))
    assert world.cloud.count()["attach"] == 5


async def test_a_detach_that_comes_while_an_attach_waits_for_the_right_moment_goes_first() -> None:
    world = World()
    await learned(world)
    held, *waiting = await made(world, 4)
    await world.publish(held, "101")
    attaches = [asyncio.get_running_loop().create_task(world.publish(each, "101")) for each in waiting]
    await asyncio.sleep(1)  # the first is under way, and the second has the turn
    await world.unpublish(held, "101")
    await asyncio.gather(*attaches)
    moves = [(each.kind, each.volume_id) for each in world.cloud.effects if each.server_id == "101"]
    assert moves[1:3] == [("attach", waiting[0]), ("detach", held)]
    assert [each for _, each in moves[3:]] == waiting[1:]


async def test_a_foreign_event_on_the_server_is_told_from_an_action_of_our_own() -> None:
    world = World()
    await learned(world)
    volumes = await made(world, 3)
    calls = [asyncio.get_running_loop().create_task(world.publish(each, "101")) for each in volumes]
    await asyncio.sleep(0.5)
    world.cloud.occupy("101", 6)
    await asyncio.gather(*calls)
    assert all(world.cloud.holders(volume) == ("101",) for volume in volumes)
    assert world.cloud.count()["attach"] <= 20


async def test_callers_that_leave_at_any_moment_leave_nothing_behind() -> None:
    for moment in range(40):
        world = World()
        volumes = await made(world, 3)
        calls = [asyncio.get_running_loop().create_task(world.publish(each, "101")) for each in volumes]
        await asyncio.sleep(moment * 0.1)
        for call in calls[:2]:
            call.cancel()
        await asyncio.gather(*calls[:2], return_exceptions=True)
        assert await calls[2] == "pvc-2"
        for volume in volumes:
            await world.unpublish(volume, "101")
        assert not any(world.cloud.holders(volume) for volume in volumes)
        assert not len(world.parts.locks)


@pytest.mark.parametrize("fault", list(Fault))
async def test_a_start_that_is_lost_while_another_is_under_way_is_not_final(fault: Fault) -> None:
    world = World()
    await learned(world)
    first, second = await made(world, 2)
    calls = [asyncio.get_running_loop().create_task(world.publish(each, "101")) for each in (first, second)]
    await asyncio.sleep(0.3)
    world.cloud.faults.append(fault)
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(each, errors.NotFinal | str) for each in answers)
    for volume in (first, second):
        await within(200, world.publish(volume, "101"))
    kinds = Counter((each.kind, each.volume_id) for each in world.cloud.effects)
    assert kinds[Kind.ATTACH.value, second] == 1


async def test_the_turn_is_refused_to_none_when_actions_are_much_slower_than_ever() -> None:
    world = World(FakeCloud(action_seconds=1.5))
    await learned(world)
    world.cloud.action_seconds = 25
    volumes = await made(world, 2)
    await asyncio.gather(*(within(100, world.publish(volume, "101")) for volume in volumes))
    assert world.cloud.count()["attach"] <= 40
