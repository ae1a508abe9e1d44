"""An action that never seems to end holds nothing back for long: what it is about tells whether it can still go on."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from common import errors
from controller.cloud.records import Pending, Place
from controller.records import Attach, PublishContext
from controller.running_actions import OVERDUE_SECONDS
from tests.fakes.cloud import Effect, FakeCloud
from tests.unit.controller.world import World, within

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


class Stuck(FakeCloud):
    """An action that is begun while ``sticks`` never ends; with ``works`` what it is to do is done all the same."""

    sticks = False
    works = False
    labels_sent: tuple[tuple[str, ...], ...] = ()

    async def attach(self, place: Place, labels: Sequence[str]) -> Pending | None:
        self.labels_sent = (*self.labels_sent, tuple(labels))
        return self._stick(await super().attach(place, labels), place, attached=True)

    async def detach(self, place: Place) -> Pending | None:
        return self._stick(await super().detach(place), place, attached=False)

    def _stick(self, action: Pending | None, place: Place, *, attached: bool) -> Pending | None:
        if self.sticks and action is not None:
            self.actions[action.id].ends_at = float("inf")
            if self.works:
                self.move(place.volume_id, (str(place.server_id),) if attached else ())
                del self.actions[str(len(self.actions))]
        return action

    def kill(self, server_id: str) -> None:
        """Delete a server: its volumes are free, its actions stay as they are."""
        del self.servers[server_id]
        for volume in list(self.volumes.values()):
            if server_id in volume.server_ids:
                self.move(volume.id, ())


async def tried(world: World, volume_id: str, server_id: str) -> None:
    with pytest.raises(errors.DeadlineExceeded):
        await within(15, world.publish(volume_id, server_id))


async def test_the_stuck_attach_of_a_dead_server_holds_nothing_back_for_longer_than_one_call() -> None:
    cloud = Stuck()
    world = World(cloud)
    held, stuck, third = [await world.create(name) for name in ("held", "stuck", "third")]
    await world.publish(held, "101")
    cloud.sticks = True
    await tried(world, stuck, "101")
    cloud.kill("101")
    await within(15, world.unpublish(held, "101"))
    await within(15, world.unpublish(stuck, "101"))
    with pytest.raises(errors.NotFound, match="node 101"):
        await within(15, world.publish(third, "101"))


async def test_a_restarted_process_does_not_wait_for_the_stuck_attach_of_a_dead_server() -> None:
    cloud = Stuck()
    volume = await World(cloud).create()
    cloud.sticks = True
    await tried(World(cloud), volume, "101")
    cloud.kill("101")
    await within(15, World(cloud).unpublish(volume, "101"))


async def test_a_volume_that_names_a_server_which_is_gone_is_detached_from_it() -> None:
    world = World()
    volume = world.cloud.make_volume("pvc-a", server_id="101")
    del world.cloud.servers["101"]
    await world.unpublish(volume.id, "101")


async def test_the_stuck_attach_of_a_server_that_lives_is_not_detached() -> None:
    cloud = Stuck()
    world = World(cloud)
    volume = await world.create()
    cloud.sticks = True
    for _ in range(8):
        await tried(world, volume, "101")
    with pytest.raises(errors.NotFinal):
        await within(15, world.unpublish(volume, "101"))


@pytest.mark.parametrize("restarted", [False, True])
async def test_an_overdue_action_is_over_once_the_volume_shows_what_it_was_to_do(*, restarted: bool) -> None:
    cloud = Stuck()
    world = World(cloud)
    volume = await world.create()
    cloud.sticks = cloud.works = True
    await tried(world, volume, "101")
    world = World(cloud) if restarted else world
    await tried(world, volume, "101")
    await asyncio.sleep(OVERDUE_SECONDS)
    await within(15, world.publish(volume, "101"))
    await within(15, world.publish(volume, "101"))
    assert cloud.effects.count(Effect("attach", volume, "101")) == 0  # it still counts as under way


async def test_what_was_read_of_a_volume_for_the_sake_of_an_overdue_action_is_remembered() -> None:
    cloud = Stuck()
    volume = cloud.make_volume("pvc-a")
    world = World(cloud, tags=("k8s:one",))
    wanted = Attach(volume.id, "101", PublishContext(volume.name, volume.size_bytes))
    cloud.sticks = cloud.works = True
    with pytest.raises(errors.DeadlineExceeded):
        await within(15, world.attachments.publish(wanted))
    await asyncio.sleep(OVERDUE_SECONDS)
    await within(15, world.attachments.publish(wanted))
    cloud.sticks, cloud.actions["1"].ends_at = False, 0
    await within(15, world.unpublish(volume.id, "101"))
    await within(15, world.attachments.publish(replace(wanted, server_id="102")))
    assert cloud.labels_sent == (("k8s:one",), ())


async def test_a_restarted_process_asks_past_an_old_stuck_action_whose_server_it_does_not_know() -> None:
    cloud = Stuck()
    volume = await World(cloud).create()
    cloud.sticks = True
    await tried(World(cloud), volume, "101")
    cloud.sticks = False
    world = World(cloud)
    with pytest.raises(errors.NotFinal):
        await within(15, world.unpublish(volume, "101"))
    cloud.kill("101")
    await asyncio.sleep(OVERDUE_SECONDS)
    await within(15, world.unpublish(volume, "101"))


async def test_a_call_that_is_ended_from_outside_doubts_the_action_too() -> None:
    cloud = Stuck()
    world = World(cloud)
    volume = await world.create()
    cloud.sticks = True
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(15):  # as the server ends a call at its deadline
            await world.publish(volume, "101")
    cloud.kill("101")
    await within(15, world.unpublish(volume, "101"))
