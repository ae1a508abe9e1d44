"""Volumes that are made of a snapshot or of another volume."""

import asyncio
from dataclasses import replace

import pytest

from common import errors
from common.sizes import GIB
from controller.clone_sweep import AGAIN_SECONDS
from controller.records import Size, Source, TakeSnapshot
from tests.fakes.cloud import FakeCloud, Fault
from tests.unit.controller.world import World, within

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_a_restore_grows_to_what_was_asked() -> None:
    world = World()
    source = await world.create("pvc-source", Size(10 * GIB))
    snapshot = await world.work.snapshots.create(TakeSnapshot("snap", source))
    copy = await world.create("pvc-copy", Size(30 * GIB), Source(snapshot_id=snapshot.id))
    assert world.cloud.volumes[copy].size_bytes == 30 * GIB
    assert world.cloud.volumes[copy].origin == Source(snapshot_id=snapshot.id)


async def test_a_restore_that_died_before_it_grew_is_grown_by_the_next_call() -> None:
    world = World()
    source = await world.create("pvc-source", Size(10 * GIB))
    snapshot = await world.work.snapshots.create(TakeSnapshot("snap", source))
    wanted = Source(snapshot_id=snapshot.id)
    world.cloud.faults.extend([Fault.NOTHING, Fault.NO_EFFECT])
    with pytest.raises(errors.NotFinal):
        await world.create("pvc-copy", Size(30 * GIB), wanted)
    copy = await World(world.cloud).create("pvc-copy", Size(30 * GIB), wanted)
    assert world.cloud.volumes[copy].size_bytes == 30 * GIB
    assert len(world.cloud.volumes) == 2


async def test_a_restore_below_its_source_is_out_of_range() -> None:
    world = World()
    source = await world.create("pvc-source", Size(10 * GIB))
    snapshot = await world.work.snapshots.create(TakeSnapshot("snap", source))
    with pytest.raises(errors.OutOfRange):
        await world.create("pvc-copy", Size(1, 5 * GIB), Source(snapshot_id=snapshot.id))


async def test_a_clone_leaves_no_snapshot() -> None:
    world = World()
    source = await world.create("pvc-source", Size(10 * GIB))
    clone = await world.create("pvc-clone", Size(20 * GIB), Source(volume_id=source))
    assert world.cloud.volumes[clone].size_bytes == 20 * GIB
    assert not world.cloud.taken


@pytest.mark.parametrize("dies_at", range(12))
@pytest.mark.parametrize("fault", [Fault.NO_EFFECT, Fault.LOST_REPLY])
async def test_a_clone_that_dies_anywhere_is_finished_by_the_next_process(dies_at: int, fault: Fault) -> None:
    world = World()
    source = await world.create("pvc-source", Size(10 * GIB))
    world.cloud.faults.extend([Fault.NOTHING] * dies_at + [fault])
    try:
        await world.create("pvc-clone", Size(20 * GIB), Source(volume_id=source))
    except errors.NotFinal:
        world.cloud.faults.clear()
        await World(world.cloud).create("pvc-clone", Size(20 * GIB), Source(volume_id=source))
    names = sorted(each.name for each in world.cloud.volumes.values())
    assert names == ["pvc-clone", "pvc-source"]
    await asyncio.sleep(AGAIN_SECONDS + 1)
    assert not world.cloud.taken
    assert [each.kind for each in world.cloud.effects].count("create") == 2


async def test_a_clone_whose_temporary_snapshot_vanishes_is_not_refused_for_good() -> None:
    world = World()
    source = await world.create("pvc-source")
    cloning = asyncio.get_running_loop().create_task(world.create("pvc-clone", source=Source(volume_id=source)))
    await asyncio.sleep(4.5 * world.cloud.latency)  # three looks, the snapshot; its volume is asked for
    del world.cloud.taken[next(iter(world.cloud.taken))]
    with pytest.raises(errors.Unavailable):
        await cloning
    assert await world.create("pvc-clone", source=Source(volume_id=source)) in world.cloud.volumes


async def test_a_clone_whose_snapshot_is_refused_too_soon_is_not_refused_for_good() -> None:
    world = World()
    source = await world.create("pvc-source")
    world.cloud.snapshot_interval = 600
    await world.work.snapshots.create(TakeSnapshot("snap", source))
    with pytest.raises(errors.Unavailable, match="every 10 minutes"):
        await world.create("pvc-clone", source=Source(volume_id=source))
    await asyncio.sleep(600)
    assert await world.create("pvc-clone", source=Source(volume_id=source)) in world.cloud.volumes


async def test_a_clone_of_a_volume_that_grows_meanwhile_is_not_refused() -> None:
    world = World()
    source = await world.create("pvc-source", Size(10 * GIB))
    cloning = asyncio.get_running_loop().create_task(
        world.create("pvc-clone", Size(30 * GIB), Source(volume_id=source))
    )
    await asyncio.sleep(2.5 * world.cloud.latency)  # the source was looked at; its snapshot is not taken yet
    world.cloud.volumes[source] = replace(world.cloud.volumes[source], size_bytes=20 * GIB)
    assert world.cloud.volumes[await cloning].size_bytes == 30 * GIB


async def test_clone_of_a_volume_that_is_gone_is_not_found() -> None:
    world = World()
    source = await world.create("pvc-source")
    await world.volumes.delete(source)
    with pytest.raises(errors.NotFound):
        await world.create("pvc-clone", source=Source(volume_id=source))


async def test_a_restore_that_is_asked_for_again_while_it_grows_joins_and_asks_for_no_second_resize() -> None:
    world = World(FakeCloud(action_seconds=20))
    source = await world.create("pvc-source", Size(10 * GIB))
    snapshot = await world.work.snapshots.create(TakeSnapshot("snap", source))
    wanted = Source(snapshot_id=snapshot.id)
    with pytest.raises(errors.DeadlineExceeded):
        await within(5, world.create("pvc-copy", Size(30 * GIB), wanted))
    copy = await world.create("pvc-copy", Size(30 * GIB), wanted)
    assert world.cloud.volumes[copy].size_bytes == 30 * GIB
    assert world.cloud.count()["resize"] == 1
