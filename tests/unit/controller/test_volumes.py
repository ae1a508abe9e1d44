import asyncio
from dataclasses import replace

import pytest

from common import errors, sizes
from common.capability import AccessType
from common.context_keys import volume_name_key, volume_origin_key, volume_size_key
from controller.cache import FRESH_DELETION_SECONDS, REMEMBERED_DELETIONS
from controller.clone_sweep import AGAIN_SECONDS
from controller.cloud.base import Pending, Place
from controller.records import BLANK, Modify, Resize, Size, Source, TakeSnapshot
from controller.rules import sealed_context
from csi_proto.csi import v1 as csi
from tests.fakes.cloud import Effect, FakeCloud, Fault
from tests.unit.controller.world import DRIVER, World, capability, within

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]
GIB = sizes.GIB


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


@pytest.mark.parametrize("attached", [True, False])
async def test_expand_grows_and_again_does_nothing(attached: bool) -> None:
    world = World()
    volume = await world.create(size=Size(10 * GIB))
    if attached:
        await world.publish(volume, "101")
    wanted = Resize(volume, Size(25 * GIB), AccessType.MOUNT)
    assert await world.volumes.expand(wanted) == 25 * GIB
    assert await world.volumes.expand(wanted) == 25 * GIB
    assert world.cloud.count()["resize"] == 1


async def test_expand_never_shrinks_and_never_passes_the_limit() -> None:
    world = World()
    volume = await world.create(size=Size(10 * GIB))
    assert await world.volumes.expand(Resize(volume, Size(1), None)) == 10 * GIB
    with pytest.raises(errors.OutOfRange):
        await world.volumes.expand(Resize(volume, Size(1, 5 * GIB), None))


async def test_an_expansion_whose_reply_was_lost_is_joined() -> None:
    world = World()
    volume = await world.create(size=Size(10 * GIB))
    world.cloud.faults.extend([Fault.NOTHING, Fault.LOST_REPLY])
    assert await world.volumes.expand(Resize(volume, Size(25 * GIB), None)) == 25 * GIB
    assert world.cloud.count()["resize"] == 1


class Overtaken(FakeCloud):
    """Another replica is always a moment faster."""

    async def resize(self, place: Place, size_gib: int) -> Pending | None:
        self.volumes[place.volume_id] = replace(self.volumes[place.volume_id], size_bytes=sizes.to_bytes(size_gib))
        return await super().resize(place, size_gib)


async def test_an_expansion_that_another_replica_has_done_meanwhile_is_done() -> None:
    world = World(Overtaken())
    volume = await world.create(size=Size(10 * GIB))
    assert await world.volumes.expand(Resize(volume, Size(25 * GIB), None)) == 25 * GIB
    assert world.cloud.count()["resize"] == 1


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


async def test_modify_puts_tags_on_and_takes_them_off() -> None:
    world = World()
    volume = await world.create()
    await world.volumes.modify(Modify(volume, ("a", "b"), ()))
    await world.volumes.modify(Modify(volume, ("b",), ("a",)))
    assert world.cloud.volumes[volume].labels == ("b",)
    assert world.cloud.count() == {"create_volume": 1, "get_volume": 2, "add_label": 2, "remove_label": 1}


async def test_the_messages_tell_the_node_what_it_needs() -> None:
    world = World()
    parameters = {"label": "x", "encryption": "luks2", "encryptionSectorSize": "512"}
    wanted = csi.CreateVolumeRequest(name="pvc-a", volume_capabilities=[capability()], parameters=parameters)
    made = (await world.service.create_volume(wanted)).volume
    assert made is not None
    assert made.capacity_bytes == 16 * GIB
    assert made.volume_context == {**parameters, **sealed_context.write(world.cloud.volumes[made.volume_id], DRIVER)}
    assert made.accessible_topology == [csi.Topology(segments={"region": "nyc1"})]
    published = await world.service.controller_publish_volume(
        csi.ControllerPublishVolumeRequest(volume_id=made.volume_id, node_id="101", volume_capability=capability())
    )
    assert published.publish_context == {volume_name_key(DRIVER): "pvc-a", volume_size_key(DRIVER): str(16 * GIB)}


async def test_a_copy_tells_the_node_its_origin() -> None:
    world = World()
    source = await world.create("pvc-source")
    snapshot = await world.work.snapshots.create(TakeSnapshot("snap", source))
    content = csi.VolumeContentSource(snapshot=csi.VolumeContentSourceSnapshotSource(snapshot_id=snapshot.id))
    wanted = csi.CreateVolumeRequest(name="pvc-copy", volume_capabilities=[capability()], volume_content_source=content)
    made = (await world.service.create_volume(wanted)).volume
    assert made is not None
    assert made.volume_context[volume_origin_key(DRIVER)] == "snapshot"
    assert made.content_source == content


async def test_create_by_name_and_delete_by_id_of_the_same_volume_do_not_overlap() -> None:
    world = World()
    volume = await world.create()
    deleting = asyncio.get_running_loop().create_task(world.volumes.delete(volume))
    await asyncio.sleep(0.01)
    with pytest.raises(errors.Busy):
        await world.create()
    await deleting
    assert Effect("delete", volume) in world.cloud.effects


async def test_a_stale_list_does_not_bring_a_deleted_volume_back() -> None:
    world = World()
    world.cloud.stale_for = 5
    first = await world.create()
    await asyncio.sleep(10)
    await world.volumes.delete(first)
    world.cloud.faults.append(Fault.LOST_REPLY)
    with pytest.raises(errors.NotFinal):
        await world.create()
    await asyncio.sleep(10)
    assert await world.create() in world.cloud.volumes


async def test_a_second_delete_of_a_volume_asks_nothing() -> None:
    world = World()
    volume = await world.create()
    await world.volumes.delete(volume)
    world.cloud.requests.clear()
    await world.volumes.delete(volume)
    assert not world.cloud.requests


@pytest.mark.parametrize("fault", [Fault.NO_EFFECT, Fault.LOST_REPLY])
async def test_a_delete_that_got_no_answer_is_asked_for_again(fault: Fault) -> None:
    world = World()
    volume = await world.create()
    world.cloud.faults.append(fault)
    with pytest.raises(errors.NotFinal):
        await world.volumes.delete(volume)
    await world.volumes.delete(volume)
    assert world.cloud.count()["delete_volume"] == 2
    assert not world.cloud.volumes


async def test_a_deletion_is_asked_for_again_after_a_while() -> None:
    world = World()
    volume = await world.create()
    for pause, asked in ((0, 1), (10, 1), (FRESH_DELETION_SECONDS, 2)):
        await asyncio.sleep(pause)
        await world.volumes.delete(volume)
        assert world.cloud.count()["delete_volume"] == asked


async def test_only_so_many_deletions_are_remembered() -> None:
    cache = World().parts.cache
    for number in range(REMEMBERED_DELETIONS + 1):
        cache.deleted(str(number))
    assert not cache.has_deleted("0")
    assert cache.has_deleted("1")
