"""A volume's whole life through the sockets, on real disks."""

import errno
import os
import stat

import pytest
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from csi_proto import pluginregistration
from csi_proto.csi import v1 as csi
from tests.integration.main_job.content import content, read, write
from tools.csi import kubelet
from tools.csi.client import Client
from tools.csi.life import GIB, Life
from tools.processes import traces
from tools.services.stack import DRIVER_NAME, REGION, Node, Stack

pytestmark = pytest.mark.usefixtures("left_as_found")

MIB = 1 << 20
FILE_SYSTEMS = [pytest.param("ext4", id="ext4"), pytest.param("xfs", id="xfs")]
KINDS = [
    pytest.param(kubelet.mounted("ext4"), id="ext4"),
    pytest.param(kubelet.mounted("xfs"), id="xfs"),
    pytest.param(kubelet.raw(), id="raw block"),
]


@pytest.mark.asyncio
@pytest.mark.parametrize("capability", KINDS)
async def test_what_was_written_on_one_node_is_read_on_the_other(
    capability: csi.VolumeCapability, controller: Client, on_a: Client, on_b: Client, node_a: Node, node_b: Node
) -> None:
    data = os.urandom(3 * MIB)
    volume = Life("travels", capability)
    await volume.create(controller)
    await volume.up(controller, on_a, node_a)
    write(content(volume, node_a), data)
    await volume.down(controller, on_a, node_a)
    await volume.up(controller, on_b, node_b)
    assert read(content(volume, node_b), len(data)) == data
    await volume.down(controller, on_b, node_b)
    await volume.delete(controller)


@pytest.mark.asyncio
async def test_a_device_appears_on_the_named_droplet_alone(
    controller: Client, node_a: Node, node_b: Node, stack: Stack
) -> None:
    volume = Life("seen-by-one", kubelet.raw())
    await volume.create(controller)
    await volume.attach(controller, node_b)
    assert list(node_a.device_dir.iterdir()) == []
    assert list(node_b.device_dir.iterdir()) == [volume.device(node_b)]
    assert stat.S_ISBLK(volume.device(node_b).stat().st_mode)
    assert [each["droplet_ids"] for each in await stack.cloud.volumes()] == [[node_b.droplet_id]]
    await volume.detach(controller, node_b)
    assert list(node_b.device_dir.iterdir()) == []
    await volume.delete(controller)


@pytest.mark.asyncio
@pytest.mark.parametrize("fs_type", FILE_SYSTEMS)
async def test_a_staged_volume_has_the_file_system_that_was_asked_for(
    fs_type: str, controller: Client, on_a: Client, node_a: Node
) -> None:
    volume = Life("formatted", kubelet.mounted(fs_type))
    await volume.create(controller)
    await volume.up(controller, on_a, node_a)
    lines = {mount.point: mount.line.partition(" - ")[2].split()[0] for mount in traces.mounts(node_a.folder)}
    assert lines == {volume.staging_path(node_a): fs_type, volume.target_path(node_a): fs_type}
    await volume.down(controller, on_a, node_a)
    assert not volume.target_path(node_a).exists()
    await volume.delete(controller)


@pytest.mark.asyncio
async def test_a_raw_volume_is_published_as_a_block_device_of_its_size(
    controller: Client, on_a: Client, node_a: Node
) -> None:
    volume = Life("raw", kubelet.raw(), size_bytes=2 * GIB)
    await volume.create(controller)
    await volume.up(controller, on_a, node_a)
    target = volume.target_path(node_a)
    assert stat.S_ISBLK(target.stat().st_mode)
    assert target.stat().st_rdev == volume.device(node_a).stat().st_rdev
    with target.open("rb") as device:
        assert device.seek(0, os.SEEK_END) == 2 * GIB
    await volume.down(controller, on_a, node_a)
    await volume.delete(controller)


@pytest.mark.asyncio
@pytest.mark.parametrize("capability", KINDS)
async def test_a_read_only_publish_can_be_read_and_not_written(
    capability: csi.VolumeCapability, controller: Client, on_a: Client, node_a: Node
) -> None:
    volume = Life("read-only", capability)
    await volume.create(controller)
    await volume.up(controller, on_a, node_a)
    write(content(volume, node_a), b"before")
    await volume.unpublish(on_a, node_a)
    await volume.publish(on_a, node_a, readonly=True)
    assert read(content(volume, node_a), 6) == b"before"
    with pytest.raises(OSError) as refused:  # noqa: PT011 - the number says it: read-only, or not permitted
        write(content(volume, node_a), b"after")
    assert refused.value.errno in (errno.EROFS, errno.EACCES, errno.EPERM)
    await volume.down(controller, on_a, node_a)
    await volume.delete(controller)


@pytest.mark.asyncio
@pytest.mark.parametrize("capability", KINDS)
async def test_every_call_of_a_life_may_be_repeated(
    capability: csi.VolumeCapability, controller: Client, on_a: Client, node_a: Node, stack: Stack
) -> None:
    """The second answer equals the first, and the second call changes neither the cloud nor the mounts."""
    volume = Life("twice", capability)
    for call in (
        lambda: volume.create(controller),
        lambda: volume.attach(controller, node_a),
        lambda: volume.stage(on_a, node_a),
        lambda: volume.publish(on_a, node_a),
        lambda: volume.unpublish(on_a, node_a),
        lambda: volume.unstage(on_a, node_a),
        lambda: volume.detach(controller, node_a),
        lambda: volume.delete(controller),
    ):
        first = await call()
        before = await stack.state()
        assert await call() == first
        assert await stack.state() == before


@pytest.mark.asyncio
async def test_a_volume_is_not_attached_to_a_second_node_and_stays_on_the_first(
    controller: Client, node_a: Node, node_b: Node, stack: Stack
) -> None:
    volume = Life("one-at-a-time", kubelet.raw())
    await volume.create(controller)
    await volume.attach(controller, node_a)
    before = await stack.state()
    with pytest.raises(GRPCError) as refused:
        await volume.attach(controller, node_b)
    assert refused.value.status is Status.FAILED_PRECONDITION
    assert str(node_a.droplet_id) in (refused.value.message or "")
    assert await stack.state() == before
    await volume.detach(controller, node_b)  # it is not there, so this is done; node A keeps it
    assert await stack.state() == before
    await volume.detach(controller, node_a)
    await volume.delete(controller)


@pytest.mark.asyncio
async def test_a_volume_is_not_attached_to_a_droplet_that_does_not_exist(controller: Client, stack: Stack) -> None:
    volume = Life("nowhere", kubelet.raw())
    await volume.create(controller)
    request = volume.attach_request(stack.nodes[0])
    request.node_id = "77"
    before = await stack.state()
    code, message = await controller.refusal(request)
    assert (code, await stack.state()) == (Status.NOT_FOUND, before)
    assert "77" in message
    await volume.delete(controller)


@pytest.mark.asyncio
async def test_an_attached_volume_is_not_deleted(controller: Client, node_a: Node, stack: Stack) -> None:
    volume = Life("in-use", kubelet.raw())
    await volume.create(controller)
    await volume.attach(controller, node_a)
    before = await stack.state()
    with pytest.raises(GRPCError) as refused:
        await volume.delete(controller)
    assert refused.value.status is Status.FAILED_PRECONDITION
    assert await stack.state() == before
    await volume.detach(controller, node_a)
    await volume.delete(controller)


@pytest.mark.asyncio
async def test_the_node_tells_its_droplet_region_and_limit(on_b: Client, node_b: Node) -> None:
    info = await on_b.call(csi.NodeGetInfoRequest(), csi.NodeGetInfoResponse)
    assert info.node_id == str(node_b.droplet_id)
    assert info.accessible_topology == csi.Topology(segments={"region": REGION})
    assert info.max_volumes_per_node == 15


@pytest.mark.asyncio
async def test_kubelet_learns_of_the_driver_from_the_registration_socket(node_a: Node) -> None:
    async with Client(node_a.registration_dir / f"{DRIVER_NAME}-reg.sock") as kubelet:
        info = await kubelet.call(pluginregistration.InfoRequest(), pluginregistration.PluginInfo)
    assert (info.type, info.name, info.endpoint) == ("CSIPlugin", DRIVER_NAME, str(node_a.socket))


@pytest.mark.asyncio
async def test_stats_tell_what_was_written(controller: Client, on_a: Client, node_a: Node) -> None:
    volume = Life("measured", kubelet.mounted("ext4"))
    await volume.create(controller)
    await volume.up(controller, on_a, node_a)
    used = []
    for size in (1, 64 * MIB):
        write(content(volume, node_a), os.urandom(size))
        os.sync()
        reply = await on_a.call(volume.on(node_a).stats(), csi.NodeGetVolumeStatsResponse)
        used.append({usage.unit: usage for usage in reply.usage}[csi.VolumeUsageUnit.BYTES].used)
    assert used[1] - used[0] == pytest.approx(64 * MIB, rel=0.01)
    await volume.down(controller, on_a, node_a)
    await volume.delete(controller)


@pytest.mark.asyncio
async def test_another_set_of_services_comes_and_goes_without_a_trace_on_this_one(
    fresh_stack: Stack, stack: Stack
) -> None:
    """What one test's services leave is cleaned up by their folder, and the services of the others live on."""
    traces.clean(fresh_stack.folder)
    assert [program.name for program in fresh_stack.programs if program.running] == []
    assert [program.name for program in stack.programs if not program.running] == []
