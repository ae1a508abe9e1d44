"""How a volume is, by what the cloud tells of its server."""

import asyncio

import pytest

from controller.cloud.records import Server
from controller.records import ListRequest
from tests.unit.controller.listed import ailing, many
from tests.unit.controller.world import World

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_a_list_of_health_has_pages_of_ailing_volumes_alone() -> None:
    world = World(many(1_000, servers=3))
    ids = list(world.cloud.volumes)
    for volume in ids[100::200]:
        world.cloud.move(volume, ("gone",))
    for volume in ids[150::200]:
        world.cloud.move(volume, ("2",))
    (whole,) = await ailing(world)
    assert sorted(whole) == sorted(ids[100::200])
    pages = await ailing(world, 2)
    assert [len(page) for page in pages] == [2, 2, 1]
    assert sorted(volume for page in pages for volume in page) == sorted(ids[100::200])


@pytest.mark.parametrize(("volumes", "requests"), [(100, 2), (300, 3), (1_000, 3), (4_000, 3)])
async def test_a_look_at_the_health_of_all_and_their_list_cost_no_more_with_many_volumes(
    volumes: int, requests: int
) -> None:
    world = World(many(volumes, servers=3))
    await world.publish(next(iter(world.cloud.volumes)), "1")  # the list of actions proves itself
    for _ in range(3):
        await asyncio.sleep(60)
        world.cloud.requests.clear()
        await ailing(world)
        await world.work.listing.volumes(ListRequest(0, ""))
    assert len(world.cloud.requests) == requests, world.cloud.requests


async def test_a_volume_on_a_server_that_was_just_made_is_well() -> None:
    world = World()
    first, second = world.cloud.make_volume("pvc-a", server_id="101"), world.cloud.make_volume("pvc-b")
    assert await ailing(world) == [[]]
    world.cloud.servers["new"] = Server("new", "nyc1", active=True, volume_ids=())
    world.cloud.move(second.id, ("new",))
    await asyncio.sleep(20)
    assert await ailing(world) == [[]]
    assert first.id != second.id


async def test_health_names_the_server_that_is_off() -> None:
    world = World()
    volume = await world.create()
    await world.publish(volume, "101")
    world.cloud.servers["101"] = Server("101", "nyc1", active=False, volume_ids=())
    assert [ill.reason for ill in (await world.work.health.of_one(volume)).ailments] == ["ServerNotActive"]
    told, _ = await world.work.health.page(ListRequest(0, ""))
    assert [[ill.reason for ill in each.ailments] for each in told] == [["ServerNotActive"]]
