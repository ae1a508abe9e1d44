import asyncio

import pytest

from controller.cloud.base import Server
from controller.records import ListRequest
from csi_proto.csi import v1 as csi
from tests.fakes.cloud import FakeCloud
from tests.unit.controller.world import World

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def names(world: World, length: int = 0) -> list[str]:
    """List all volumes, page by page."""
    found, token = await world.work.lists.volumes(ListRequest(length, ""))
    while token:
        more, token = await world.work.lists.volumes(ListRequest(length, token))
        found += more
    return [each.name for each in found]


async def holders(world: World, volume_id: str) -> list[str]:
    listed = await world.service.list_volumes(csi.ListVolumesRequest())
    entry = next(each for each in listed.entries if each.volume and each.volume.volume_id == volume_id)
    assert entry.status is not None
    return entry.status.published_node_ids


def many(count: int, servers: int = 700) -> FakeCloud:
    cloud = FakeCloud([str(number) for number in range(1, servers + 1)])
    for number in range(count):
        cloud.make_volume(f"pvc-{number}")
    return cloud


async def test_what_we_make_and_delete_shows_at_once() -> None:
    world = World()
    await world.create("pvc-a")
    assert await names(world) == ["pvc-a"]
    second = await world.create("pvc-b")
    assert await names(world) == ["pvc-a", "pvc-b"]
    await world.volumes.delete(second)
    assert await names(world) == ["pvc-a"]


@pytest.mark.parametrize("length", [1, 2, 3, 250, 0])
async def test_pages_hold_each_volume_once_whatever_their_length(length: int) -> None:
    world = World(many(7))
    assert sorted(await names(world, length)) == [f"pvc-{number}" for number in range(7)]


async def test_a_token_survives_the_end_of_its_volume_and_new_volumes_come_last() -> None:
    world = World()
    for name in "abc":
        await world.create(f"pvc-{name}")
        await asyncio.sleep(1)
    first, token = await world.work.lists.volumes(ListRequest(2, ""))
    await world.volumes.delete(first[-1].id)
    await world.create("pvc-d")
    second, end = await world.work.lists.volumes(ListRequest(5, token))
    assert ([each.name for each in second], end) == (["pvc-c", "pvc-d"], "")


async def test_an_hour_of_lists_of_10000_volumes_costs_150_requests_at_most() -> None:
    world = World(many(10_000))
    await names(world)
    assert world.cloud.count()["list_volumes"] == 50
    await world.create("pvc-new")
    await world.publish(next(iter(world.cloud.volumes)), "1")
    world.cloud.requests.clear()
    for _ in range(60):
        await asyncio.sleep(60)
        assert len((await world.work.lists.volumes(ListRequest(0, "")))[0]) == 250
    assert len(world.cloud.requests) <= 150


async def test_attach_and_detach_by_somebody_else_show_within_two_minutes() -> None:
    world = World(many(3_000))
    volumes = list(world.cloud.volumes)
    await names(world)
    world.cloud.move(volumes[0], ("5",))
    world.cloud.move(volumes[2_999], ("6",))
    await asyncio.sleep(60)
    await names(world)
    assert [world.parts.cache.get(volumes[place]).server_ids for place in (0, 2_999)] == [("5",), ("6",)]  # type: ignore[union-attr]
    world.cloud.move(volumes[0], ())
    await asyncio.sleep(60)
    await names(world)
    assert world.parts.cache.get(volumes[0]).server_ids == ()  # type: ignore[union-attr]


async def test_they_show_too_when_the_list_of_actions_lacks_them() -> None:
    world = World(many(3_000))
    world.cloud.actions_are_listed = False
    volume = list(world.cloud.volumes)[2_000]
    await names(world)
    world.cloud.move(volume, ("5",))
    for _ in range(2):
        await asyncio.sleep(60)
        await names(world)
    assert world.parts.cache.get(volume).server_ids == ("5",)  # type: ignore[union-attr]


async def test_a_change_by_somebody_else_right_after_ours_is_not_missed() -> None:
    world = World(many(1_000))
    volume = next(iter(world.cloud.volumes))
    await names(world)
    await world.publish(volume, "1")
    world.cloud.move(volume, ())
    for _ in range(2):
        await asyncio.sleep(60)
        await names(world)
    assert world.parts.cache.get(volume).server_ids == ()  # type: ignore[union-attr]


async def test_a_volume_made_by_somebody_else_shows_when_the_total_does_not_add_up() -> None:
    world = World(many(1_000))
    await names(world)
    world.cloud.make_volume("pvc-theirs")
    await asyncio.sleep(60)
    assert "pvc-theirs" in await names(world)


async def test_a_volume_that_vanished_is_lost_not_forgotten() -> None:
    world = World(many(3))
    await names(world)
    gone = next(iter(world.cloud.volumes))
    del world.cloud.volumes[gone]
    await asyncio.sleep(60)
    told, _ = await world.work.health.page(ListRequest(0, ""))
    assert {each.volume_id: [ill.reason for ill in each.ailments] for each in told}[gone] == ["VolumeGone"]
    assert [ill.reason for ill in (await world.work.health.of_one(gone)).ailments] == ["VolumeGone"]


async def test_health_names_the_server_that_is_off() -> None:
    world = World()
    volume = await world.create()
    await world.publish(volume, "101")
    world.cloud.servers["101"] = Server("101", "nyc1", active=False, volume_ids=())
    assert [ill.reason for ill in (await world.work.health.of_one(volume)).ailments] == ["ServerNotActive"]
    told, _ = await world.work.health.page(ListRequest(0, ""))
    assert [ill.reason for ill in told[0].ailments] == ["ServerNotActive"]


async def test_capacity_is_what_the_account_has_left() -> None:
    world = World()
    await world.create()
    world.cloud.volume_limit = 3
    told = await world.service.get_capacity(csi.GetCapacityRequest())
    assert (told.available_capacity, told.maximum_volume_size) == (2 * 16384 << 30, 16384 << 30)
    elsewhere = csi.GetCapacityRequest(accessible_topology=csi.Topology(segments={"region": "fra1"}))
    assert (await world.service.get_capacity(elsewhere)).available_capacity == 0
