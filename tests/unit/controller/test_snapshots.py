import asyncio
from dataclasses import replace

import pytest

from common import errors
from controller.cloud.records import Page, Snapshot
from controller.records import ListRequest, TakeSnapshot
from csi_proto.csi import v1 as csi
from tests.fakes.cloud import FakeCloud, Fault
from tests.unit.controller.world import NO_UUID, World

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


@pytest.mark.parametrize("fault", [Fault.NOTHING, Fault.LOST_REPLY])
async def test_a_snapshot_is_taken_once(fault: Fault) -> None:
    world = World()
    volume = await world.create()
    world.cloud.faults.extend([Fault.NOTHING, fault])
    snapshot = await world.work.snapshots.create(TakeSnapshot("snap", volume))
    assert await World(world.cloud).work.snapshots.create(TakeSnapshot("snap", volume)) == snapshot
    assert len(world.cloud.taken) == 1


async def test_a_name_taken_by_another_volumes_snapshot_is_refused() -> None:
    world = World()
    first, second = await world.create("pvc-a"), await world.create("pvc-b")
    await world.work.snapshots.create(TakeSnapshot("snap", first))
    for each in (world, World(world.cloud)):
        with pytest.raises(errors.AlreadyExists):
            await each.work.snapshots.create(TakeSnapshot("snap", second))


async def test_a_snapshot_of_no_volume_is_not_found() -> None:
    with pytest.raises(errors.NotFound):
        await World().work.snapshots.create(TakeSnapshot("snap", NO_UUID))


async def test_a_snapshot_too_soon_tells_when_it_will_work() -> None:
    world = World()
    world.cloud.snapshot_interval = 600
    volume = await world.create()
    await world.work.snapshots.create(TakeSnapshot("snap-1", volume))
    with pytest.raises(errors.ResourceExhausted, match=r"retry after \d+ s, at .*Z"):
        await world.work.snapshots.create(TakeSnapshot("snap-2", volume))


async def test_delete_again_is_done() -> None:
    world = World()
    snapshot = await world.work.snapshots.create(TakeSnapshot("snap", await world.create()))
    await world.work.snapshots.delete(snapshot.id)
    await world.work.snapshots.delete(snapshot.id)
    assert not world.cloud.taken


async def test_pages_hold_each_snapshot_once_though_some_come_and_go() -> None:
    world = World()
    volume = await world.create()
    for number in range(5):
        await world.work.snapshots.create(TakeSnapshot(f"snap-{number}", volume))
        await asyncio.sleep(1)
    first, token = await world.work.snapshots.page(ListRequest(2, ""), "")
    await world.work.snapshots.delete(first[-1].id)
    second, token = await world.work.snapshots.page(ListRequest(2, token), "")
    third, end = await world.work.snapshots.page(ListRequest(2, token), "")
    assert [each.name for each in (*first, *second, *third)] == [f"snap-{number}" for number in range(5)]
    assert end == ""


async def test_one_id_is_one_request_and_an_unknown_one_is_an_empty_list() -> None:
    world = World()
    volume = await world.create()
    snapshot = await world.work.snapshots.create(TakeSnapshot("snap", volume))
    world.cloud.requests.clear()
    listed = await world.service.list_snapshots(csi.ListSnapshotsRequest(snapshot_id=snapshot.id))
    assert [each.snapshot.snapshot_id for each in listed.entries if each.snapshot] == [snapshot.id]
    assert world.cloud.requests == ["get_snapshot"]
    for message in (
        csi.ListSnapshotsRequest(snapshot_id="x"),
        csi.ListSnapshotsRequest(snapshot_id=NO_UUID),
        csi.ListSnapshotsRequest(source_volume_id="x"),
        csi.ListSnapshotsRequest(source_volume_id=NO_UUID),
        csi.ListSnapshotsRequest(snapshot_id=snapshot.id, source_volume_id=NO_UUID),
    ):
        assert not (await world.service.list_snapshots(message)).entries


async def test_a_snapshot_that_outlives_its_volume_is_found_by_its_name_again() -> None:
    world = World()
    volume = await world.create()
    snapshot = await world.work.snapshots.create(TakeSnapshot("snap", volume))
    await world.volumes.delete(volume)
    for each in (world, World(world.cloud)):
        assert await each.work.snapshots.create(TakeSnapshot("snap", volume)) == snapshot
        with pytest.raises(errors.NotFound):
            await each.work.snapshots.create(TakeSnapshot("snap-2", volume))


async def test_a_snapshot_is_of_its_own_region_and_of_no_other() -> None:
    world = World()
    volume = await world.create()
    wanted = csi.CreateSnapshotRequest(name="snap", source_volume_id=volume)
    wanted.accessibility_requirements = csi.TopologyRequirement(requisite=[csi.Topology(segments={"region": "fra1"})])
    with pytest.raises(errors.ResourceExhausted, match=r"fra1.*nyc1"):
        await world.service.create_snapshot(wanted)
    assert not world.cloud.taken
    wanted.accessibility_requirements = csi.TopologyRequirement(requisite=[csi.Topology(segments={"region": "nyc1"})])
    assert (await world.service.create_snapshot(wanted)).snapshot is not None


class Overlapping(FakeCloud):
    """Its pages overlap, as when a snapshot is deleted between two of them."""

    async def list_snapshots(self, page: int) -> Page[Snapshot]:
        found = await super().list_snapshots(page)
        return replace(found, items=(*found.items, *found.items))


async def test_a_snapshot_that_the_cloud_lists_twice_is_told_once() -> None:
    world = World(Overlapping())
    await world.work.snapshots.create(TakeSnapshot("snap", await world.create()))
    found, _ = await world.work.snapshots.page(ListRequest(0, ""), "")
    assert [each.name for each in found] == ["snap"]
