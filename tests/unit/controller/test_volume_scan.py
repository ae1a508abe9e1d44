"""All volumes are read as seldom as may be, and again when something does not add up."""

import asyncio
from dataclasses import replace

import pytest

from controller.cloud.records import ActionState, Kind, Page, Pending, Progress
from controller.records import ListRequest
from tests.fakes.cloud import FakeCloud
from tests.unit.controller.listed import Partial, many, names
from tests.unit.controller.world import World

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


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


async def test_an_hour_of_lists_of_10000_volumes_costs_150_requests_at_most() -> None:
    world = World(many(10_000))
    await names(world)
    assert world.cloud.count()["list_volumes"] == 50
    await world.create("pvc-new")
    await world.publish(next(iter(world.cloud.volumes)), "1")
    world.cloud.requests.clear()
    for _ in range(60):
        await asyncio.sleep(60)
        assert len((await world.work.listing.volumes(ListRequest(0, "")))[0]) == 250
    assert len(world.cloud.requests) <= 150


async def test_a_volume_made_by_somebody_else_shows_when_the_total_does_not_add_up() -> None:
    world = World(many(1_000))
    await names(world)
    world.cloud.make_volume("pvc-theirs")
    await asyncio.sleep(60)
    assert "pvc-theirs" in await names(world)


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


@pytest.mark.parametrize("lost", [1, 50], ids=["one", "many"])
async def test_volumes_that_a_list_lacks_are_not_gone(lost: int) -> None:
    cloud = Partial()
    volumes = [cloud.make_volume(f"pvc-{number}").id for number in range(100)]
    world = World(cloud)
    assert len(await names(world)) == 100
    cloud.lacking = frozenset(volumes[:lost])
    for _ in range(4):
        await asyncio.sleep(60)
        assert len(await names(world)) == 100
    for each in volumes[:lost]:
        del cloud.volumes[each]
    for _ in range(4):
        await asyncio.sleep(60)
        await names(world)
    assert len(await names(world)) == 100 - lost
