"""What is known without a request: for how long, and of how many volumes."""

import asyncio

import pytest

from common import errors
from controller.cache import FRESH_DELETION_SECONDS, REMEMBERED_DELETIONS
from tests.fakes.cloud import Fault
from tests.unit.controller.world import World

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_a_stale_list_does_not_bring_a_deleted_volume_back() -> None:
    world = World()
    world.cloud.stale_for = 5
    first = await world.create()
    await asyncio.sleep(10)
    await world.volumes.delete(first)
    world.cloud.faults.append(Fault.LOST_REPLY)
    with pytest.raises(errors.NotFinal):
        await world.create()
    await asyncio.sleep(10)
    assert await world.create() in world.cloud.volumes


async def test_a_second_delete_of_a_volume_asks_nothing() -> None:
    world = World()
    volume = await world.create()
    await world.volumes.delete(volume)
    world.cloud.requests.clear()
    await world.volumes.delete(volume)
    assert not world.cloud.requests


@pytest.mark.parametrize("fault", [Fault.NO_EFFECT, Fault.LOST_REPLY])
async def test_a_delete_that_got_no_answer_is_asked_for_again(fault: Fault) -> None:
    world = World()
    volume = await world.create()
    world.cloud.faults.append(fault)
    with pytest.raises(errors.NotFinal):
        await world.volumes.delete(volume)
    await world.volumes.delete(volume)
    assert world.cloud.count()["delete_volume"] == 2
    assert not world.cloud.volumes


async def test_a_deletion_is_asked_for_again_after_a_while() -> None:
    world = World()
    volume = await world.create()
    for pause, asked in ((0, 1), (10, 1), (FRESH_DELETION_SECONDS, 2)):
        await asyncio.sleep(pause)
        await world.volumes.delete(volume)
        assert world.cloud.count()["delete_volume"] == asked


async def test_only_so_many_deletions_are_remembered() -> None:
    cache = World().parts.cache
    for number in range(REMEMBERED_DELETIONS + 1):
        cache.deleted(str(number))
    assert not cache.has_deleted("0")
    assert cache.has_deleted("1")
