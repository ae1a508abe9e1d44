"""Bad input: each a clear error, and nothing changed."""

from dataclasses import replace

import pytest
from grpclib.const import Status

from common import errors
from csi_proto.csi import v1 as csi
from tests.unit.controller.world import NO_UUID, World, capability

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]
SEVERAL = csi.VolumeCapabilityAccessModeMode.MULTI_NODE_MULTI_WRITER
GIB = 1 << 30


def create(**more: object) -> csi.CreateVolumeRequest:
    wanted = csi.CreateVolumeRequest(name="pvc-a", volume_capabilities=[capability()])
    for key, value in more.items():
        setattr(wanted, key, value)
    return wanted


def snapshot_source(snapshot_id: str) -> csi.VolumeContentSource:
    return csi.VolumeContentSource(snapshot=csi.VolumeContentSourceSnapshotSource(snapshot_id=snapshot_id))


def topology(**segments: str) -> csi.TopologyRequirement:
    return csi.TopologyRequirement(requisite=[csi.Topology(segments=segments)])


INVALID, NOT_FOUND, OUT_OF_RANGE = Status.INVALID_ARGUMENT, Status.NOT_FOUND, Status.OUT_OF_RANGE
EXHAUSTED = Status.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    ("message", "status", "words"),
    [
        pytest.param(create(name=""), INVALID, "name", id="no name"),
        pytest.param(create(name="a\nb"), INVALID, "printed", id="newline in the name"),
        pytest.param(create(name="x" * 5000), INVALID, "longer", id="5,000 characters"),
        pytest.param(create(volume_capabilities=[]), INVALID, "capability", id="no capability"),
        pytest.param(create(volume_capabilities=[csi.VolumeCapability()]), INVALID, "neither", id="empty capability"),
        pytest.param(create(volume_capabilities=[capability(mode=5)]), INVALID, "MULTI_NODE", id="many nodes"),
        pytest.param(create(volume_capabilities=[capability(mode=0)]), INVALID, "UNKNOWN", id="unknown mode"),
        pytest.param(create(volume_capabilities=[capability(mode=99)]), INVALID, "99", id="mode that is none"),
        pytest.param(create(volume_capabilities=[capability("ntfs")]), INVALID, "ntfs", id="unknown file system"),
        pytest.param(
            create(volume_capabilities=[capability(flags=("ro,remount",))]), INVALID, "'remount'", id="injected flag"
        ),
        pytest.param(create(capacity_range=csi.CapacityRange(-1)), INVALID, "negative", id="negative size"),
        pytest.param(create(capacity_range=csi.CapacityRange(2, 1)), INVALID, "below", id="limit below required"),
        pytest.param(create(capacity_range=csi.CapacityRange((1 << 63) - 1)), OUT_OF_RANGE, "16384", id="huge size"),
        pytest.param(create(capacity_range=csi.CapacityRange(1, 2)), OUT_OF_RANGE, "GiB", id="no whole GiB"),
        pytest.param(create(parameters={"tpye": "x"}), INVALID, "tpye", id="misspelt parameter"),
        pytest.param(create(parameters={"tags": "a b"}), INVALID, "a b", id="no tag"),
        pytest.param(create(parameters={"blockSize": "999"}), INVALID, "blockSize", id="a block size of no mkfs"),
        pytest.param(create(volume_capabilities=[capability(flags=("ro",))]), INVALID, "blank", id="blank, to be read"),
        pytest.param(
            create(volume_capabilities=[capability("ext3")], capacity_range=csi.CapacityRange(16 << 40)),
            INVALID,
            "32 bits",
            id="larger than an ext3",
        ),
        pytest.param(create(parameters={"encryption": "rot13"}), INVALID, "luks2", id="no encryption of ours"),
        pytest.param(create(mutable_parameters={"iops": "1"}), INVALID, "iops", id="unknown mutable parameter"),
        pytest.param(create(volume_content_source=csi.VolumeContentSource()), INVALID, "neither", id="no source"),
        pytest.param(create(volume_content_source=snapshot_source("x")), NOT_FOUND, "snapshot x", id="odd snapshot"),
        pytest.param(create(volume_content_source=snapshot_source(NO_UUID)), NOT_FOUND, NO_UUID, id="no such snapshot"),
        pytest.param(create(accessibility_requirements=topology(region="fra1")), EXHAUSTED, "fra1.*nyc1", id="region"),
        pytest.param(create(accessibility_requirements=topology(zone="a")), INVALID, "zone", id="odd topology"),
    ],
)
async def test_create(message: csi.CreateVolumeRequest, status: Status, words: str) -> None:
    world = World()
    with pytest.raises(errors.Refused, match=words) as refused:
        await world.service.create_volume(message)
    assert refused.value.status is status
    assert not world.cloud.volumes
    assert not world.cloud.effects


def publish(volume_id: str = NO_UUID, node_id: str = "101", **more: object) -> csi.ControllerPublishVolumeRequest:
    wanted = csi.ControllerPublishVolumeRequest(volume_id=volume_id, node_id=node_id, volume_capability=capability())
    for key, value in more.items():
        setattr(wanted, key, value)
    return wanted


@pytest.mark.parametrize(
    ("message", "status"),
    [
        pytest.param(publish(""), INVALID, id="no volume"),
        pytest.param(publish(node_id=""), INVALID, id="no node"),
        pytest.param(publish(volume_capability=None), INVALID, id="no capability"),
        pytest.param(publish(readonly=True), INVALID, id="read-only"),
        pytest.param(publish("../../etc"), NOT_FOUND, id="odd volume id"),
        pytest.param(publish("x" * 129), INVALID, id="volume id longer than CSI allows"),
        pytest.param(publish("a\nb"), INVALID, id="volume id with a newline"),
        pytest.param(publish(node_id="node-a"), NOT_FOUND, id="odd node id"),
        pytest.param(publish(node_id="x" * 129), INVALID, id="node id longer than CSI allows"),
        pytest.param(publish(), NOT_FOUND, id="no such volume"),
    ],
)
async def test_publish(message: csi.ControllerPublishVolumeRequest, status: Status) -> None:
    world = World()
    with pytest.raises(errors.Refused) as refused:
        await world.service.controller_publish_volume(message)
    assert refused.value.status is status
    assert "attach" not in world.cloud.requests


async def test_unpublish_of_no_volume() -> None:
    world = World()
    with pytest.raises(errors.InvalidArgument):
        await world.service.controller_unpublish_volume(csi.ControllerUnpublishVolumeRequest(node_id="101"))
    assert not world.cloud.requests


@pytest.mark.parametrize("odd", ["x", "106963404", "506F78A4-E098-11E5-AD9F-000F53306AE1", "../x", "a\nb", "x" * 129])
async def test_whatever_an_id_looks_like_the_cloud_is_asked_before_undoing_is_done(odd: str) -> None:
    world = World()
    await world.service.delete_volume(csi.DeleteVolumeRequest(volume_id=odd))
    await world.service.delete_snapshot(csi.DeleteSnapshotRequest(snapshot_id=odd))
    await world.service.controller_unpublish_volume(csi.ControllerUnpublishVolumeRequest(volume_id=odd, node_id=odd))
    assert [name in world.cloud.requests for name in ("delete_volume", "delete_snapshot", "detach")] == [True] * 3


async def test_a_volume_with_an_odd_id_is_deleted() -> None:
    world = World()
    volume = world.cloud.make_volume("pvc-a")
    world.cloud.volumes = {"Vol_7": replace(volume, id="Vol_7")}
    await world.service.delete_volume(csi.DeleteVolumeRequest(volume_id="Vol_7"))
    assert not world.cloud.volumes


async def test_deleting_nothing_is_refused() -> None:
    with pytest.raises(errors.InvalidArgument):
        await World().service.delete_volume(csi.DeleteVolumeRequest())


async def test_validate_confirms_what_was_asked_or_says_what_is_wrong() -> None:
    world = World()
    volume = await world.create()
    asked = csi.ValidateVolumeCapabilitiesRequest(volume_id=volume, volume_capabilities=[capability()])
    told = await world.service.validate_volume_capabilities(asked)
    assert told.confirmed is not None
    assert told.confirmed.volume_capabilities == [capability()]
    asked.volume_context = {"dobs.csi.digitalocean.com/volume-origin": "snapshot"}
    told = await world.service.validate_volume_capabilities(asked)
    assert told.confirmed is None
    assert "context" in told.message
    asked.volume_context = {"dobs.csi.digitalocean.com/volume-name": "pvc-b"}
    told = await world.service.validate_volume_capabilities(asked)
    assert told.confirmed is None
    assert "pvc-b" in told.message


async def test_a_class_that_csi_digitalocean_installed_makes_volumes_as_before() -> None:
    world = World()
    reply = await world.service.create_volume(create(parameters={"fsType": "xfs"}))
    assert reply.volume is not None
    assert "fsType" not in reply.volume.volume_context


async def test_a_page_token_of_somebody_else_aborts_the_list() -> None:
    somebody_elses = "x"
    with pytest.raises(errors.StaleToken):
        await World().service.list_volumes(csi.ListVolumesRequest(starting_token=somebody_elses))
    with pytest.raises(errors.InvalidArgument):
        await World().service.list_volumes(csi.ListVolumesRequest(max_entries=-1))


async def test_a_tag_that_cluster_class_and_attributes_spell_in_other_ways_is_asked_for_once() -> None:
    world = World(tags=("Prod",))
    wanted = create(parameters={"tags": "prod,a"}, mutable_parameters={"tags": "A,PROD"})
    made = (await world.service.create_volume(wanted)).volume
    assert made is not None
    taken = csi.CreateSnapshotRequest(source_volume_id=made.volume_id, name="snap", parameters={"tags": "prod,a"})
    await world.service.create_snapshot(taken)
    assert [each.labels for each in world.cloud.volumes.values()] == [("Prod", "a")]
    assert [each.labels for each in world.cloud.taken.values()] == [("Prod", "a")]
