"""The controller on a second cloud: nothing of it knows which cloud it is."""

import asyncio

import pytest

from common import errors, sizes
from controller.cloud.records import Kind
from controller.records import Size
from csi_proto.csi import v1 as csi
from tests.fakes.cloud import Effect
from tests.fakes.other_cloud import FACTS, ZONES, OtherCloud
from tests.unit.controller.test_life import LIFE, VolumeLife
from tests.unit.controller.world import World, capability, within


class OtherLife(VolumeLife):
    """The same life on the other cloud."""

    make_cloud = OtherCloud


TestOtherLife = OtherLife.TestCase
TestOtherLife.settings = LIFE


def asked(name: str = "pvc-a", *zones: str, **more: object) -> csi.CreateVolumeRequest:
    topology = [csi.Topology(segments={FACTS.zone_key: zone}) for zone in zones]
    wanted = csi.CreateVolumeRequest(name=name, volume_capabilities=[capability()])
    wanted.accessibility_requirements = csi.TopologyRequirement(requisite=topology, preferred=topology)
    for key, value in more.items():
        setattr(wanted, key, value)
    return wanted


async def created(world: World, message: csi.CreateVolumeRequest) -> csi.Volume:
    volume = (await world.service.create_volume(message)).volume
    assert volume is not None
    return volume


@pytest.mark.asyncio
@pytest.mark.looptime
class TestOther:
    async def test_a_whole_life_by_its_ids_and_in_its_zone(self) -> None:
        world = World(OtherCloud())
        volume = await created(world, asked("pvc-a", ZONES[1]))
        assert volume.volume_id.isdecimal()
        assert volume.capacity_bytes == 10 * sizes.GIB
        assert volume.accessible_topology == [csi.Topology(segments={FACTS.zone_key: ZONES[1]})]
        assert world.cloud.volumes[volume.volume_id].ready
        page = await world.service.list_volumes(csi.ListVolumesRequest())
        assert [each.volume and each.volume.volume_id for each in page.entries] == [volume.volume_id]
        await world.service.delete_volume(csi.DeleteVolumeRequest(volume_id=volume.volume_id))
        assert not world.cloud.volumes

    async def test_a_name_that_is_taken_in_another_zone_is_taken_unless_that_zone_will_do(self) -> None:
        world = World(OtherCloud())
        first = await created(world, asked("pvc-a", ZONES[0]))
        assert (await created(world, asked("pvc-a", ZONES[1], ZONES[0]))).volume_id == first.volume_id
        with pytest.raises(errors.AlreadyExists, match=ZONES[0]):
            await created(world, asked("pvc-a", ZONES[1]))

    async def test_a_create_that_its_caller_left_is_waited_for_by_the_next_one(self) -> None:
        cloud = OtherCloud(action_seconds=8)
        world = World(cloud)
        with pytest.raises(errors.DeadlineExceeded):
            await within(2, world.create())
        for each in (world, World(cloud)):  # the same process, and another one
            volume_id = await within(30, each.create())
            assert cloud.volumes[volume_id].ready
        assert [each.kind for each in cloud.effects] == ["create"]

    async def test_an_attach_waits_until_the_volume_is_made(self) -> None:
        cloud = OtherCloud(action_seconds=5)
        with pytest.raises(errors.DeadlineExceeded):
            await within(1, World(cloud).create())
        volume_id = next(iter(cloud.volumes))
        assert await within(60, World(cloud).publish(volume_id, "101")) == "pvc-a"
        assert cloud.holders(volume_id) == ("101",)

    async def test_a_server_takes_several_attaches_at_once(self) -> None:
        world = World(OtherCloud(action_seconds=10))
        volumes = [await world.create(f"pvc-{number}") for number in range(3)]
        begun = asyncio.get_running_loop().time()
        await asyncio.gather(*(world.publish(each, "101") for each in volumes))
        assert asyncio.get_running_loop().time() - begun < 20

    async def test_a_detach_that_can_name_no_server_leaves_a_volume_that_another_one_holds(self) -> None:
        world = World(OtherCloud())
        volume = world.cloud.make_volume("pvc-a", 10, server_id="102")
        await world.unpublish(volume.id, "101")
        assert world.cloud.holders(volume.id) == ("102",)
        assert Effect(Kind.DETACH.value, volume.id, "102") not in world.cloud.effects
        await world.unpublish(volume.id, "102")
        assert world.cloud.holders(volume.id) == ()

    async def test_what_it_lacks_is_not_asked_for(self) -> None:
        world = World(OtherCloud())
        source = csi.VolumeContentSource(volume=csi.VolumeContentSourceVolumeSource(volume_id="1"))
        with pytest.raises(errors.InvalidArgument, match="no copies"):
            await created(world, asked(volume_content_source=source))
        for call in (
            world.service.create_snapshot(csi.CreateSnapshotRequest(name="s", source_volume_id="1")),
            world.service.delete_snapshot(csi.DeleteSnapshotRequest(snapshot_id="1")),
            world.service.list_snapshots(csi.ListSnapshotsRequest()),
            world.service.get_snapshot(csi.GetSnapshotRequest(snapshot_id="1")),
        ):
            with pytest.raises(errors.Unimplemented):
                await call
        assert not world.cloud.requests

    async def test_its_own_labels_are_taken_and_those_of_digitalocean_refused(self) -> None:
        world = World(OtherCloud())
        volume = await created(world, asked(parameters={"tags": "team=a"}))
        assert world.cloud.volumes[volume.volume_id].labels == ("team=a",)
        with pytest.raises(errors.InvalidArgument, match="key=value"):
            await created(world, asked("pvc-b", parameters={"tags": "k8s:a"}))

    async def test_capacity_is_asked_for_in_any_of_its_zones(self) -> None:
        world = World(OtherCloud())
        for zone, some in ((ZONES[2], True), ("nowhere-1", False)):
            topology = csi.Topology(segments={FACTS.zone_key: zone})
            told = await world.service.get_capacity(csi.GetCapacityRequest(accessible_topology=topology))
            assert bool(told.available_capacity) is some
            assert told.minimum_volume_size == 10 * sizes.GIB

    async def test_a_page_goes_on_after_any_id(self) -> None:
        world = World(OtherCloud())
        volumes = {await world.create(f"pvc-{number}") for number in range(3)}
        token, seen = "", set()
        for _ in range(3):
            message = csi.ListVolumesRequest(max_entries=1, starting_token=token)
            page = await world.service.list_volumes(message)
            seen |= {each.volume.volume_id for each in page.entries if each.volume}
            token = page.next_token
        assert (seen, token) == (volumes, "")

    async def test_growth_and_the_words_of_a_failed_action_reach_the_caller(self) -> None:
        world = World(OtherCloud())
        volume_id = await world.create(size=Size(12 * sizes.GIB))
        world.cloud.next_action_fails = True
        with pytest.raises(errors.Unavailable, match="user_action_required"):
            await world.publish(volume_id, "101")
        message = csi.ControllerExpandVolumeRequest(
            volume_id=volume_id, capacity_range=csi.CapacityRange(required_bytes=20 * sizes.GIB)
        )
        assert (await world.service.controller_expand_volume(message)).capacity_bytes == 20 * sizes.GIB
