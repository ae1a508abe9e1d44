import asyncio
from dataclasses import replace

import pytest

from common import errors
from controller.cloud.base import ActionState, Kind, Page, Pending, Progress, Server
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


class Telling(FakeCloud):
    """A cloud whose account's actions tell of servers that were deleted."""

    def destroy(self, server_id: str) -> None:
        del self.servers[server_id]
        for volume in [each for each in self.volumes.values() if server_id in each.server_ids]:
            self.volumes[volume.id] = replace(volume, server_ids=())
        self.destroyed = Progress(Pending(str(len(self.actions) + 1), Kind.OTHER, "", server_id), ActionState.COMPLETED)

    async def account_actions(self, page: int) -> Page[Progress]:
        found = await super().account_actions(page)
        mine = (self.destroyed,) if hasattr(self, "destroyed") else ()
        return replace(found, items=(*mine, *found.items))


async def test_a_server_that_is_deleted_holds_no_volume_at_the_next_list() -> None:
    cloud = Telling([str(number) for number in range(1, 11)])
    volumes = [cloud.make_volume(f"pvc-{number}", server_id=str(number % 10 + 1)) for number in range(1_000)]
    cloud.move(volumes[0].id, ("2",))
    world = World(cloud)
    await names(world)
    held = [each.id for each in volumes if cloud.volumes[each.id].server_ids == ("7",)]
    cloud.destroy("7")
    await asyncio.sleep(60)
    world.cloud.requests.clear()
    await names(world)
    assert [world.parts.cache.get(each).server_ids for each in held] == [()] * 100  # type: ignore[union-attr]
    assert world.cloud.count()["list_servers"] == 1


async def ailing(world: World, length: int = 0) -> list[list[str]]:
    """List the health of all volumes, page by page."""
    found, token = [], ""
    while True:
        told, token = await world.work.health.page(ListRequest(length, token))
        found.append([each.volume_id for each in told])
        if not token:
            return found


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


async def test_a_volume_that_is_gone_leaves_the_list_and_is_not_found() -> None:
    world = World()
    volume = world.cloud.make_volume("pvc-a", server_id="gone").id
    assert await ailing(world) == [[volume]]
    del world.cloud.volumes[volume]
    await asyncio.sleep(60)
    assert await ailing(world) == [[]]
    with pytest.raises(errors.NotFound):
        await world.work.health.of_one(volume)


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


async def test_capacity_is_what_the_account_has_left() -> None:
    world = World()
    await world.create()
    world.cloud.volume_limit = 3
    told = await world.service.get_capacity(csi.GetCapacityRequest())
    assert (told.available_capacity, told.maximum_volume_size) == (2 * 16384 << 30, 16384 << 30)
    theirs = world.cloud.make_volume("pvc-theirs").id
    world.cloud.volumes[theirs] = replace(world.cloud.volumes[theirs], zone="fra1")
    await asyncio.sleep(60)
    told = await world.service.get_capacity(csi.GetCapacityRequest())
    assert told.available_capacity == 16384 << 30  # the limit is the account's, for all its zones
    elsewhere = csi.GetCapacityRequest(accessible_topology=csi.Topology(segments={"region": "fra1"}))
    assert (await world.service.get_capacity(elsewhere)).available_capacity == 0
