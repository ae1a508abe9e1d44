import asyncio
from dataclasses import replace

import pytest

from common import errors, sizes
from common.capability import AccessType
from common.sizes import GIB
from controller.cloud.cloud_errors import Gone, OddAnswer
from controller.cloud.records import Pending, Place, Volume, VolumeOrder
from controller.records import BLANK, Modify, Resize, Size
from tests.fakes.cloud import Effect, FakeCloud, Fault
from tests.unit.controller.world import World

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


class Overtaken(FakeCloud):
    """Another replica is always a moment faster."""

    async def resize(self, place: Place, size_gib: int) -> Pending | None:
        self.volumes[place.volume_id] = replace(self.volumes[place.volume_id], size_bytes=sizes.to_bytes(size_gib))
        return await super().resize(place, size_gib)


class Nothing(FakeCloud):
    """Has nothing, whatever is asked of it."""

    async def create_volume(self, order: VolumeOrder) -> tuple[Volume, Pending | None]:
        raise Gone(f"what {order.name} is made of")


async def test_create_is_one_request_and_again_it_finds_the_same_volume() -> None:
    world = World()
    volume = await world.create()
    assert world.cloud.requests == ["create_volume"]
    assert await world.create() == volume
    assert await World(world.cloud).create() == volume
    assert len(world.cloud.volumes) == 1


@pytest.mark.parametrize("fault", [Fault.LOST_REPLY, Fault.NO_EFFECT, Fault.HANG])
async def test_create_after_a_lost_reply_ends_with_one_volume(fault: Fault) -> None:
    world = World()
    world.cloud.faults.append(fault)
    if fault is Fault.NO_EFFECT:
        with pytest.raises(errors.NotFinal):
            await world.create()
    volume = await world.create()
    assert list(world.cloud.volumes) == [volume]


async def test_an_order_that_names_no_source_is_not_refused_for_good_since_something_is_gone() -> None:
    with pytest.raises(OddAnswer, match="of no snapshot"):
        await World(Nothing()).create()


async def test_a_stale_list_makes_create_not_final_instead_of_a_second_volume() -> None:
    world = World()
    world.cloud.stale_for = 5
    world.cloud.faults.append(Fault.LOST_REPLY)
    with pytest.raises(errors.NotFinal):
        await world.create()
    await asyncio.sleep(6)
    assert await world.create() in world.cloud.volumes
    assert len(world.cloud.volumes) == 1


@pytest.mark.parametrize("size", [Size(30 * GIB), Size(1, 2 * GIB)], ids=["too small", "too large"])
async def test_a_name_taken_by_another_size_is_refused(size: Size) -> None:
    world = World()
    await world.create(size=Size(10 * GIB, 20 * GIB))
    with pytest.raises(errors.AlreadyExists):
        await world.create(size=size)


async def test_a_volume_of_csi_digitalocean_is_found_by_its_name() -> None:
    world = World()
    volume = world.cloud.make_volume("pvc-a", 16, origin=BLANK)
    assert await world.create() == volume.id


async def test_the_accounts_limit_is_told() -> None:
    world = World()
    world.cloud.volume_limit = 1
    await world.create("pvc-a")
    with pytest.raises(errors.ResourceExhausted):
        await world.create("pvc-b")


async def test_delete_of_an_attached_volume_is_refused_and_names_the_server() -> None:
    world = World()
    volume = await world.create()
    await world.publish(volume, "101")
    with pytest.raises(errors.FailedPrecondition, match="101"):
        await world.volumes.delete(volume)
    assert volume in world.cloud.volumes


async def test_delete_is_one_request_and_a_gone_volume_is_done() -> None:
    world = World()
    volume = await world.create()
    world.cloud.requests.clear()
    await world.volumes.delete(volume)
    await World(world.cloud).volumes.delete(volume)
    assert world.cloud.requests == ["delete_volume", "delete_volume"]


@pytest.mark.parametrize("attached", [True, False])
async def test_expand_grows_and_again_does_nothing(attached: bool) -> None:
    world = World()
    volume = await world.create(size=Size(10 * GIB))
    if attached:
        await world.publish(volume, "101")
    wanted = Resize(volume, Size(25 * GIB), AccessType.MOUNT)
    assert (await world.volumes.expand(wanted))[0] == 25 * GIB
    assert (await world.volumes.expand(wanted))[0] == 25 * GIB
    assert world.cloud.count()["resize"] == 1


async def test_expand_never_shrinks_and_never_passes_the_limit() -> None:
    world = World()
    volume = await world.create(size=Size(10 * GIB))
    assert (await world.volumes.expand(Resize(volume, Size(1), None)))[0] == 10 * GIB
    with pytest.raises(errors.OutOfRange):
        await world.volumes.expand(Resize(volume, Size(1, 5 * GIB), None))


async def test_an_expansion_whose_reply_was_lost_is_joined() -> None:
    world = World()
    volume = await world.create(size=Size(10 * GIB))
    world.cloud.faults.extend([Fault.NOTHING, Fault.LOST_REPLY])
    assert (await world.volumes.expand(Resize(volume, Size(25 * GIB), None)))[0] == 25 * GIB
    assert world.cloud.count()["resize"] == 1


async def test_an_expansion_that_another_replica_has_done_meanwhile_is_done() -> None:
    world = World(Overtaken())
    volume = await world.create(size=Size(10 * GIB))
    assert (await world.volumes.expand(Resize(volume, Size(25 * GIB), None)))[0] == 25 * GIB
    assert world.cloud.count()["resize"] == 1


async def test_modify_puts_tags_on_and_takes_them_off() -> None:
    world = World()
    volume = await world.create()
    await world.volumes.modify(Modify(volume, ("a", "b"), ()))
    await world.volumes.modify(Modify(volume, ("b",), ("a",)))
    assert world.cloud.volumes[volume].labels == ("b",)
    assert world.cloud.count() == {"create_volume": 1, "get_volume": 2, "add_label": 2, "remove_label": 1}


async def test_create_by_name_and_delete_by_id_of_the_same_volume_do_not_overlap() -> None:
    world = World()
    volume = await world.create()
    deleting = asyncio.get_running_loop().create_task(world.volumes.delete(volume))
    await asyncio.sleep(0.01)
    with pytest.raises(errors.Busy):
        await world.create()
    await deleting
    assert Effect("delete", volume) in world.cloud.effects
