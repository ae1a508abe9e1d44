"""A raw volume that one pod partitions and the next one uses, as KubeVirt's importer and its virtual machine do.

The kernel finds the partitions of a SCSI disk by itself, at each attach.
"""

import struct
from dataclasses import replace

import pytest
from grpclib.const import Status

from tests.vm.node.conftest import MakeDroplet, MakeVolume
from tools.csi.kubelet import mounted

SECTOR, START, SECTORS = 512, 2048, 65536
TABLE = struct.pack("<446sB3sB3sII48sH", b"", 0, b"", 0x83, b"", START, SECTORS, b"", 0xAA55)


@pytest.mark.asyncio
async def test_a_raw_volume_that_a_pod_has_partitioned_is_used_by_the_next_one_also_on_another_node(
    make_droplet: MakeDroplet, make_volume: MakeVolume
) -> None:
    volume = make_volume("")
    importer, machine = await make_droplet("a"), await make_droplet("b")
    await importer.up(volume)
    await importer.agent.write("/run/table", TABLE)
    await importer.agent.shell(
        f"set -e; dd if=/run/table of={volume.target} conv=fsync status=none; blockdev --rereadpt {volume.target}; "
        f"udevadm settle; printf image | dd of={volume.link}-part1 conv=fsync status=none"
    )
    second = volume.publish()
    second.target_path += "-machine"
    await importer.call(volume.stage())  # kubelet has restarted
    await importer.call(volume.publish())
    await importer.call(second)  # the virtual machine's pod on the same node
    leave = volume.unpublish()
    leave.target_path = second.target_path
    await importer.call(leave)
    await importer.down(volume)
    await machine.up(volume)
    read = (
        f"udevadm wait --timeout=120 {volume.link}-part1; "
        f"dd if={volume.target} bs={SECTOR} skip={START} count=1 status=none | head -c 5; readlink {volume.link}-part1"
    )
    assert (await machine.agent.shell(read, 150)).startswith("image../../sd")
    await machine.until_done(volume.unpublish())
    await machine.until_done(volume.unstage())
    before = volume.digest()
    status, said = await machine.refusal(replace(volume, capability=mounted("ext4")).stage())
    assert (status, volume.digest()) == (Status.FAILED_PRECONDITION, before)
    assert "-part1" not in said
    assert "delete" not in said, "the partitions are the data"
