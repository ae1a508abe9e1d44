"""Volumes that grow while a pod writes to them, and a controller that does not tell the kernel."""

import pytest

from csi_proto.csi import v1 as csi
from localcloud.guests.machine import Machine
from tests.vm.node.conftest import MakeDroplet, MakeVolume
from tests.vm.node.droplet import Droplet
from tests.vm.node.volumes import GIB, Volume

pytestmark = pytest.mark.asyncio


async def filesystem_bytes(droplet: Droplet, volume: Volume) -> int:
    """Return how large the file system of a published volume is."""
    blocks, unit = (await droplet.agent.output("stat", "--file-system", "--format=%b %S", volume.target)).split()
    return int(blocks) * int(unit)


@pytest.mark.parametrize("kind", ["ext3", "ext4", "xfs", "btrfs"])
async def test_a_file_system_grows_under_a_program_that_writes(
    make_droplet: MakeDroplet, make_volume: MakeVolume, kind: str
) -> None:
    droplet, volume = await make_droplet(), make_volume(kind)
    await droplet.up(volume)
    writer = await droplet.write(volume.target)
    await writer.until(3)
    await droplet.drives.resize(volume.name, 2 * GIB)
    assert await droplet.until_done(volume.expand(2 * GIB)) == csi.NodeExpandVolumeResponse(capacity_bytes=2 * GIB)
    await writer.more()
    assert await filesystem_bytes(droplet, volume) > 1.8 * GIB
    synced = await writer.kill()
    await droplet.down(volume)
    await droplet.up(volume)
    assert await droplet.write_some(volume.target, 0) >= synced


async def test_a_volume_grows_though_the_controller_does_not_tell_the_kernel(
    make_droplet: MakeDroplet, make_volume: MakeVolume
) -> None:
    droplet, volume = await make_droplet(machine=Machine(announces_sizes=False)), make_volume()
    await droplet.up(volume)
    await droplet.drives.resize(volume.name, 2 * GIB)
    await droplet.agent.shell("udevadm settle --timeout=60; sleep 1")
    size = await droplet.agent.read(f"/sys/class/block/{await droplet.device_at(volume.target)}/size")
    assert int(size) * 512 == GIB
    assert await droplet.call(volume.expand(2 * GIB)) == csi.NodeExpandVolumeResponse(capacity_bytes=2 * GIB)
    assert await filesystem_bytes(droplet, volume) > 1.8 * GIB
