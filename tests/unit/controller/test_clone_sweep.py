"""Only what a clone has made for itself is hidden or deleted: a name alone proves nothing, as anybody may give it."""

import asyncio

import pytest

from common import errors
from controller.clone_sweep import AGAIN_SECONDS, LEFTOVER_SECONDS
from controller.cloud.records import Pending, Volume, VolumeOrder
from controller.records import ListRequest, Source, TakeSnapshot
from controller.rules import temporary_snapshot
from csi_proto.csi import v1 as csi
from tests.fakes.cloud import FakeCloud
from tests.unit.controller.world import World, within

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

OURS = temporary_snapshot.name_of("pvc-clone")
LABELS = (temporary_snapshot.LABEL,)


class Keeping(FakeCloud):
    """It refuses to delete a snapshot while ``keeps``."""

    keeps = True

    async def delete_snapshot(self, snapshot_id: str) -> None:
        if self.keeps:
            self.requests.append("delete_snapshot")
            raise errors.FailedPrecondition("the cloud answered 403: You are not authorized")
        await super().delete_snapshot(snapshot_id)


async def names(world: World) -> list[str]:
    return [each.name for each in (await world.work.snapshots.page(ListRequest(0, ""), ""))[0]]


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        pytest.param("csi-clone-before-upgrade", (), id="a name like ours"),
        pytest.param(OURS, (), id="our very name"),
        pytest.param("csi-clone-before-upgrade", LABELS, id="our label"),
        pytest.param(f"{OURS}0", LABELS, id="our label and a longer name"),
    ],
)
async def test_the_snapshot_of_a_person_is_listed_and_kept(name: str, labels: tuple[str, ...]) -> None:
    world = World()
    volume = await world.create()
    made = await world.cloud.create_snapshot(volume, name, labels)
    assert await names(world) == [name]
    await asyncio.sleep(3 * LEFTOVER_SECONDS)
    assert await names(world) == [name]
    assert made.id in world.cloud.taken


async def test_a_clone_neither_uses_nor_deletes_a_snapshot_that_only_has_its_name() -> None:
    world = World()
    source = await world.create("pvc-source")
    made = await world.cloud.create_snapshot(source, OURS, ())
    with pytest.raises(errors.FailedPrecondition, match=OURS):
        await world.create("pvc-clone", source=Source(volume_id=source))
    assert list(world.cloud.taken) == [made.id]


async def test_the_snapshot_of_a_clone_under_way_is_not_listed() -> None:
    world = World()
    volume = await world.create()
    await world.cloud.create_snapshot(volume, OURS, ("AIOCSI-temporary-snapshot",))
    assert await names(world) == []


async def test_a_csi_name_never_becomes_that_of_a_temporary_snapshot() -> None:
    world = World()
    wanted = csi.CreateSnapshotRequest(name=OURS, source_volume_id=await world.create())
    made = (await world.service.create_snapshot(wanted)).snapshot
    assert (await world.service.create_snapshot(wanted)).snapshot == made
    (snapshot,) = world.cloud.taken.values()
    assert not snapshot.name.startswith(temporary_snapshot.PREFIX)
    assert await names(world) == [snapshot.name]


async def half_cloned(world: World) -> str:
    """Begin a clone whose caller never comes back; return its source."""
    source = await world.create("pvc-source")
    world.cloud.volume_limit = 1
    with pytest.raises(errors.ResourceExhausted):
        await world.create("pvc-clone", source=Source(volume_id=source))
    assert len(world.cloud.taken) == 1
    return source


async def test_the_snapshot_of_a_clone_that_nobody_asks_for_any_more_is_deleted_after_an_hour() -> None:
    world = World()
    await half_cloned(world)
    await asyncio.sleep(LEFTOVER_SECONDS - 60)
    assert len(world.cloud.taken) == 1
    await asyncio.sleep(120)
    assert not world.cloud.taken


async def test_the_snapshot_of_a_clone_that_is_asked_for_now_and_then_stays() -> None:
    world = World()
    source = await half_cloned(world)
    for _ in range(4):
        await asyncio.sleep(LEFTOVER_SECONDS / 2)
        with pytest.raises(errors.ResourceExhausted):
            await world.create("pvc-clone", source=Source(volume_id=source))
    assert [each for each in world.cloud.requests if each == "create_snapshot"] == ["create_snapshot"]


async def test_a_leftover_outlives_its_source_and_is_deleted_all_the_same() -> None:
    world = World()
    await world.volumes.delete(await half_cloned(world))
    await asyncio.sleep(LEFTOVER_SECONDS + 60)
    assert not world.cloud.taken


async def test_another_process_deletes_no_leftover_and_sends_nothing_while_it_is_idle() -> None:
    world, other = World(), None
    volume = await world.create()
    await world.cloud.create_snapshot(volume, OURS, LABELS)
    other = World(world.cloud)
    world.cloud.requests.clear()
    await asyncio.sleep(3 * LEFTOVER_SECONDS)
    assert (len(world.cloud.taken), world.cloud.requests) == (1, [])
    assert await names(other) == []
    assert len(world.cloud.taken) == 1


async def test_a_clone_is_there_though_its_snapshot_cannot_be_deleted_yet() -> None:
    cloud = Keeping()
    world = World(cloud)
    source = await world.create("pvc-source")
    clone = await world.create("pvc-clone", source=Source(volume_id=source))
    assert await world.create("pvc-clone", source=Source(volume_id=source)) == clone
    assert await names(world) == []
    assert (await world.work.snapshots.create(TakeSnapshot("snap", source))).name == "snap"
    cloud.keeps = False
    await asyncio.sleep(2 * AGAIN_SECONDS)
    assert [each.name for each in cloud.taken.values()] == ["snap"]


async def test_a_clone_that_is_refused_takes_its_snapshot_back_first() -> None:
    class Refusing(Keeping):
        async def create_volume(self, order: VolumeOrder) -> tuple[Volume, Pending | None]:
            raise errors.FailedPrecondition(f"no: {order}")

    cloud = Refusing()
    world = World(cloud)
    source = cloud.make_volume("pvc-source")
    with pytest.raises(errors.NotFinal):
        await within(30, world.create("pvc-clone", source=Source(volume_id=source.id)))
    cloud.keeps = False
    with pytest.raises(errors.FailedPrecondition):
        await within(30, world.create("pvc-clone", source=Source(volume_id=source.id)))
    assert not cloud.taken
