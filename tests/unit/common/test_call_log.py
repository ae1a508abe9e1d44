"""What the line of a call tells of a change: what it was made on, and whether this call made it."""

from collections.abc import Mapping

import pytest
from betterproto2 import Message

from common import call_log
from csi_proto.csi import v1 as csi
from tests.fakes.cloud import FakeCloud, Fault
from tests.harness.serving_once import serve_once
from tests.unit.controller.world import NO_UUID, World, within
from tools.csi.kubelet import mounted

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

GIB = 1 << 30
CAPABILITY = mounted("")
CREATE = csi.CreateVolumeRequest(
    name="pvc-a", volume_capabilities=[CAPABILITY], capacity_range=csi.CapacityRange(required_bytes=2 * GIB)
)


async def told(world: World, request: Message) -> Mapping[str, str | int]:
    with call_log.collecting() as facts:
        await within(300, serve_once(world.service, request))
    return facts


async def test_create_tells_the_volume_and_whether_it_was_found() -> None:
    world = World()
    first, again = await told(world, CREATE), await told(world, CREATE)
    (volume,) = world.cloud.volumes.values()
    assert first == {"outcome": "created", "volume_id": volume.id, "size_bytes": 2 * GIB}
    assert again == {**first, "outcome": "found"}


async def test_a_call_is_about_the_volume_that_it_makes_or_copies() -> None:
    world, subject = World(), dict[str, str]()
    call_log.begin(subject)
    await told(world, CREATE)
    (volume_id,) = world.cloud.volumes
    assert subject == {"volume_name": "pvc-a"}
    subject.clear()
    call_log.know_names(world.parts.cache.name_of)
    await told(world, csi.CreateSnapshotRequest(source_volume_id=volume_id, name="snap"))
    assert subject == {"volume_id": volume_id, "volume_name": "pvc-a", "name": "snap"}
    assert world.parts.cache.name_of("another") == ""


async def test_delete_tells_whether_the_volume_was_gone() -> None:
    world = World()
    volume_id = await world.create()
    request = csi.DeleteVolumeRequest(volume_id=volume_id)
    assert [await told(world, request), await told(World(world.cloud), request)] == [
        {"outcome": "deleted"},
        {"outcome": "was_gone"},
    ]


async def test_publish_and_unpublish_tell_whether_they_changed_anything() -> None:
    world = World()
    volume_id = await world.create()
    publish = csi.ControllerPublishVolumeRequest(volume_id=volume_id, node_id="101", volume_capability=CAPABILITY)
    unpublish = csi.ControllerUnpublishVolumeRequest(volume_id=volume_id, node_id="101")
    requests = [publish, publish, unpublish, unpublish]
    assert [(await told(world, each))["outcome"] for each in requests] == [
        "attached",
        "was_attached",
        "detached",
        "was_detached",
    ]


async def test_a_change_whose_answer_was_lost_counts_as_ours() -> None:
    world = World()
    volume_id = await world.create()
    world.cloud.faults.append(Fault.LOST_REPLY)
    publish = csi.ControllerPublishVolumeRequest(volume_id=volume_id, node_id="101", volume_capability=CAPABILITY)
    assert await told(world, publish) == {"outcome": "attached"}
    world.cloud.faults.extend([Fault.NOTHING, Fault.LOST_REPLY])
    unpublish = csi.ControllerUnpublishVolumeRequest(volume_id=volume_id, node_id="101")
    assert await told(world, unpublish) == {"outcome": "detached"}


async def test_a_detach_of_what_another_process_detached_tells_so() -> None:
    cloud = FakeCloud()
    volume_id = await World(cloud).create()
    facts = await told(World(cloud), csi.ControllerUnpublishVolumeRequest(volume_id=volume_id, node_id="101"))
    assert facts == {"outcome": "was_detached"}


async def test_a_snapshot_tells_its_id_and_whether_it_was_found_or_gone() -> None:
    world = World()
    take = csi.CreateSnapshotRequest(source_volume_id=await world.create(), name="snap")
    first, again = await told(world, take), await told(world, take)
    (snapshot_id,) = world.cloud.taken
    assert first == {
        "outcome": "created",
        "snapshot_id": snapshot_id,
        "size_bytes": world.cloud.taken[snapshot_id].min_size_bytes,
    }
    assert again == {**first, "outcome": "found"}
    delete = csi.DeleteSnapshotRequest(snapshot_id=snapshot_id)
    assert [(await told(world, delete))["outcome"] for _ in range(2)] == ["deleted", "was_gone"]


async def test_the_delete_of_an_id_that_nothing_can_have_tells_that_it_was_gone() -> None:
    assert await told(World(), csi.DeleteVolumeRequest(volume_id=NO_UUID)) == {"outcome": "was_gone"}


async def test_a_growth_and_a_change_of_tags_tell_whether_they_changed_anything() -> None:
    world = World()
    volume_id = await world.create()
    grow = csi.ControllerExpandVolumeRequest(volume_id=volume_id, capacity_range=csi.CapacityRange(20 * GIB))
    first, again = await told(world, grow), await told(world, grow)
    assert [first, again] == [{"outcome": each, "size_bytes": 20 * GIB} for each in ("grown", "was_grown")]
    modify = csi.ControllerModifyVolumeRequest(volume_id=volume_id, mutable_parameters={"tags": "a,b"})
    first, again = await told(world, modify), await told(world, modify)
    assert first == {"outcome": "modified", "tags": "a,b", "absent_tags": ""}
    assert again == {"outcome": "was_modified", "tags": "", "absent_tags": ""}
