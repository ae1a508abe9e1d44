"""What a process remembers proves nothing of what another one has begun since: leases move."""

import asyncio
from dataclasses import replace

import pytest

from common import errors
from controller.attachments import FRESH_SECONDS
from controller.cloud.cloud_errors import NotAttached
from controller.cloud.records import ActionState, Kind, Pending, Place, Volume
from tests.fakes.cloud import FakeCloud
from tests.fakes.other_cloud import OtherCloud
from tests.unit.controller.world import World, within

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def begun_by_another(cloud: FakeCloud, volume_id: str, server_id: str) -> None:
    """Let a process begin an attach, and die."""
    with pytest.raises(errors.DeadlineExceeded):
        await within(1, World(cloud).publish(volume_id, server_id))


async def begun_detach_by_another(cloud: FakeCloud, volume_id: str, server_id: str) -> None:
    with pytest.raises(errors.DeadlineExceeded):
        await within(1, World(cloud).unpublish(volume_id, server_id))


@pytest.mark.parametrize("pause", [0, 90])
@pytest.mark.parametrize("node", ["101", None])
async def test_a_detach_is_not_done_while_an_attach_of_another_process_is_under_way(
    node: str | None, pause: float
) -> None:
    world = World(FakeCloud(action_seconds=8))
    volume = await world.create()
    await world.publish(volume, "101")
    await world.unpublish(volume, "101")
    await asyncio.sleep(pause)
    await begun_by_another(world.cloud, volume, "101")
    await world.unpublish(volume, node)
    await asyncio.sleep(60)
    assert world.cloud.holders(volume) == ()


async def test_an_attach_is_not_there_any_more_once_another_process_has_detached_it() -> None:
    world = World(FakeCloud(action_seconds=0.1))
    volume = await world.create()
    await world.publish(volume, "101")
    await World(world.cloud).unpublish(volume, "101")
    await world.publish(volume, "101")
    assert world.cloud.holders(volume) == ("101",)


@pytest.mark.parametrize("pause", [0, FRESH_SECONDS])
@pytest.mark.parametrize("restarted", [False, True])
async def test_an_attach_is_not_done_while_a_detach_of_another_process_is_under_way(
    pause: float, *, restarted: bool
) -> None:
    cloud = FakeCloud(action_seconds=8)
    world = World(cloud)
    volume = await world.create()
    await world.publish(volume, "101")
    await asyncio.sleep(pause)
    await begun_detach_by_another(cloud, volume, "101")
    await (World(cloud) if restarted else world).publish(volume, "101")
    assert cloud.holders(volume) == ("101",)
    assert [each.kind for each in cloud.effects] == ["create", "attach", "detach", "attach"]


@pytest.mark.parametrize("make", [FakeCloud, OtherCloud])
@pytest.mark.parametrize("ours", ["attach", "detach"])
async def test_an_action_whose_caller_has_left_proves_nothing_once_another_process_has_undone_it(
    make: type[FakeCloud], ours: str
) -> None:
    cloud = make(action_seconds=8)
    world, other = World(cloud), World(cloud)
    volume = await world.create()
    if ours == "detach":
        await world.publish(volume, "101")
    first, second = (world.publish, other.unpublish) if ours == "attach" else (world.unpublish, other.publish)
    with pytest.raises(errors.DeadlineExceeded):
        await within(1, first(volume, "101"))
    await asyncio.sleep(30)
    await second(volume, "101")
    await first(volume, "101")
    assert cloud.holders(volume) == (("101",) if ours == "attach" else ())


async def test_an_attach_elsewhere_that_was_waited_for_is_not_taken_for_one_to_the_named_server() -> None:
    cloud = FakeCloud(action_seconds=8)
    world = World(cloud)
    volume = await world.create()
    await begun_by_another(cloud, volume, "102")
    await world.unpublish(volume, "101")
    with pytest.raises(errors.FailedPrecondition, match="102"):
        await world.publish(volume, "101")
    assert cloud.holders(volume) == ("102",)


async def test_an_older_action_that_is_shown_as_under_way_is_over_once_a_newer_one_was_begun() -> None:
    cloud = FakeCloud()
    world = World(cloud)
    volume = await world.create()
    await world.publish(volume, "101")
    await world.unpublish(volume, "101")
    first = cloud.actions["1"]
    first.progress, first.ends_at = replace(first.progress, state=ActionState.IN_PROGRESS), float("inf")
    held = cloud.volumes[volume]
    assert await within(15, World(cloud).parts.actions.settled(held)) is held


class Lagging(FakeCloud):
    """Who holds a volume is shown, and known to a detach, some seconds after the action has ended."""

    lag = 0.0

    async def get_volume(self, volume_id: str) -> Volume:
        found = await super().get_volume(volume_id)
        moves = [each for each in self.actions.values() if each.volume_id == volume_id and each.progress.ended]
        shown = [each for each in moves if each.ends_at + self.lag <= asyncio.get_running_loop().time()]
        holds = bool(shown) and shown[-1].progress.action.kind is Kind.ATTACH
        return replace(found, server_ids=(shown[-1].server_id,) if holds else ())

    async def detach(self, place: Place) -> Pending | None:
        if place.server_id not in (await self.get_volume(place.volume_id)).server_ids:
            raise NotAttached("Attachment not found")
        return await super().detach(place)


@pytest.mark.parametrize("server_id", ["101", None], ids=["from one", "from all"])
async def test_a_volume_is_not_detached_because_it_does_not_show_yet_that_it_was_attached(
    server_id: str | None,
) -> None:
    world, other = World(cloud := Lagging()), World(cloud)
    volume = await world.create()
    cloud.lag = 5.0
    assert await cloud.attach(Place(volume, "101"), ())
    await asyncio.sleep(0.5)
    with pytest.raises(errors.NotFinal):
        await within(15, other.unpublish(volume, server_id))
    await asyncio.sleep(5)
    await within(15, other.unpublish(volume, server_id))
    assert cloud.holders(volume) == ()


async def test_a_volume_is_not_attached_because_it_still_shows_that_it_was() -> None:
    world, other = World(cloud := Lagging()), World(cloud)
    volume = await world.create()
    await world.publish(volume, "101")
    cloud.lag = 5.0
    await asyncio.sleep(5)
    assert await cloud.detach(Place(volume, "101"))
    await asyncio.sleep(2)
    with pytest.raises(errors.Unavailable, match="does not show it yet"):
        await within(15, other.publish(volume, "101"))
    await asyncio.sleep(5)
    await within(15, other.publish(volume, "101"))
    assert cloud.holders(volume) == ("101",)


async def test_what_a_volume_never_shows_was_undone_by_something_that_no_list_tells() -> None:
    world = World(cloud := FakeCloud())
    volume = await world.create()
    await world.publish(volume, "101")
    cloud.volumes[volume] = replace(cloud.volumes[volume], server_ids=())
    with pytest.raises(errors.Unavailable, match="does not show it yet"):
        await within(15, world.unpublish(volume, "101"))
    await asyncio.sleep(60)
    await within(15, world.unpublish(volume, "101"))
