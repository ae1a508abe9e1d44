"""Pages of volumes: each volume once, whatever comes and goes meanwhile."""

import asyncio

import pytest

from common import errors
from controller.records import ListRequest
from tests.unit.controller.listed import ailing, many, names
from tests.unit.controller.world import World

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


@pytest.mark.parametrize("length", [1, 2, 3, 250, 0])
async def test_pages_hold_each_volume_once_whatever_their_length(length: int) -> None:
    world = World(many(7))
    assert sorted(await names(world, length)) == [f"pvc-{number}" for number in range(7)]


async def test_a_token_survives_the_end_of_its_volume_and_new_volumes_come_last() -> None:
    world = World()
    for name in "abc":
        await world.create(f"pvc-{name}")
        await asyncio.sleep(1)
    first, token = await world.work.listing.volumes(ListRequest(2, ""))
    await world.volumes.delete(first[-1].id)
    await world.create("pvc-d")
    second, end = await world.work.listing.volumes(ListRequest(5, token))
    assert ([each.name for each in second], end) == (["pvc-c", "pvc-d"], "")


async def test_a_volume_that_is_gone_leaves_the_list_and_is_not_found() -> None:
    world = World()
    volume = world.cloud.make_volume("pvc-a", server_id="gone").id
    assert await ailing(world) == [[volume]]
    del world.cloud.volumes[volume]
    await asyncio.sleep(60)
    assert await ailing(world) == [[]]
    with pytest.raises(errors.NotFound):
        await world.work.health.of_one(volume)
