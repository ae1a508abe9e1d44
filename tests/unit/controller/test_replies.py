"""What the messages tell the node."""

import pytest

from common.context_keys import volume_name_key, volume_origin_key, volume_size_key
from common.sizes import GIB
from controller.records import TakeSnapshot
from controller.rules import sealed_context
from csi_proto.csi import v1 as csi
from tests.unit.controller.world import DRIVER, World, capability

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


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
