import asyncio

import pytest

from common import errors
from csi_proto.csi import v1 as csi
from tests.unit.controller.listed import Partial, many, names
from tests.unit.controller.world import World

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def holders(world: World, volume_id: str) -> list[str]:
    listed = await world.service.list_volumes(csi.ListVolumesRequest())
    entry = next(each for each in listed.entries if each.volume and each.volume.volume_id == volume_id)
    assert entry.status is not None
    return entry.status.published_node_ids


async def test_what_we_make_and_delete_shows_at_once() -> None:
    world = World()
    await world.create("pvc-a")
    assert await names(world) == ["pvc-a"]
    second = await world.create("pvc-b")
    assert await names(world) == ["pvc-a", "pvc-b"]
    await world.volumes.delete(second)
    assert await names(world) == ["pvc-a"]


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


async def test_a_server_that_a_list_lacks_still_holds_its_volumes() -> None:
    cloud = Partial([str(number) for number in range(1, 11)])
    volumes = [cloud.make_volume(f"pvc-{number}", server_id=str(number % 10 + 1)) for number in range(1_000)]
    world = World(cloud)
    await names(world)
    cloud.lacking = frozenset({"7"})
    cloud.move(volumes[0].id, ("2",))
    await asyncio.sleep(60)
    await names(world)
    assert cloud.count()["list_servers"] == 1
    held = [world.parts.cache.get(each.id).server_ids for each in volumes[6::10]]  # type: ignore[union-attr]
    assert held == [("7",)] * 100


async def test_a_list_that_lacks_many_servers_is_not_believed() -> None:
    cloud = Partial([str(number) for number in range(1, 51)])
    volumes = [cloud.make_volume(f"pvc-{number}", server_id=str(number % 50 + 1)) for number in range(1_000)]
    world = World(cloud)
    await names(world)
    cloud.lacking = frozenset(cloud.servers)
    cloud.move(volumes[0].id, ("2",))
    await asyncio.sleep(60)
    with pytest.raises(errors.OutcomeUnknown, match="lacks 50"):
        await names(world)
    assert all(each.server_ids for each in world.parts.cache)
