"""Encrypted volumes that grow under pods that write: by the cloud, a controller and the node, each a real one."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from csi_proto.csi import v1 as csi
from localcloud.guests.guest import BOOT_SECONDS, Guest
from localcloud.guests.machine import Image, Machine
from tests.vm.encryption.calls import GIB, QUICK, SECONDS, Kubelet, Volume, serving
from tests.vm.node import writer as program
from tests.vm.node.droplet import Writer
from tools.csi.client import Client
from tools.services import localcloud
from tools.services.stack import REGION, Service

HEADER_BYTES = 16 << 20
PROGRAM = "/run/writer.py"
KINDS = ("ext4", "xfs", "btrfs")


@dataclass(frozen=True)
class Cluster:
    """What Kubernetes has of a driver: its controller, and the node service of one droplet."""

    controller: Client
    kubelet: Kubelet
    node_id: str

    async def provide(self, kind: str) -> Volume:
        """Do what external-provisioner and external-attacher do for a claim."""
        name = f"pvc-{uuid.uuid4()}"
        usual = Volume("", Path(), kind, cloud_name=name)
        asked = csi.CreateVolumeRequest(
            name=name,
            capacity_range=csi.CapacityRange(required_bytes=GIB),
            volume_capabilities=[usual.asked.capability],
            parameters=QUICK,
        )
        made = (await self.controller.call(asked, csi.CreateVolumeResponse, seconds=SECONDS)).volume
        assert made is not None
        attached = await self.controller.call(
            csi.ControllerPublishVolumeRequest(
                volume_id=made.volume_id,
                node_id=self.node_id,
                volume_capability=usual.asked.capability,
                volume_context=made.volume_context,
            ),
            csi.ControllerPublishVolumeResponse,
            seconds=SECONDS,
        )
        return replace(usual, id=made.volume_id, context=made.volume_context, published=attached.publish_context)

    async def grow(self, volume: Volume, size_bytes: int) -> int:
        """Do what external-resizer and kubelet do for a claim that asks for more; return the new size."""
        asked = csi.ControllerExpandVolumeRequest(
            volume_id=volume.id,
            capacity_range=csi.CapacityRange(required_bytes=size_bytes),
            volume_capability=volume.asked.capability,
        )
        reply = await self.controller.call(asked, csi.ControllerExpandVolumeResponse, seconds=SECONDS)
        assert reply.node_expansion_required
        return await self.kubelet.expand(volume, reply.capacity_bytes)


@asynccontextmanager
async def cluster(folder: Path, image: Path, driver: Path) -> AsyncIterator[Cluster]:
    """Start a cloud with one droplet, a controller, and the node service in the droplet."""
    options = ("--disks=qemu", f"--guest-image={image}", f"--guest-driver={driver}", "--droplets=1")
    with localcloud.Process(folder / "cloud", *options, "--action-latency=0") as cloud:
        droplet_id = str(cloud.ready.droplets[0].id)
        token = folder / "token"
        token.write_text(cloud.ready.token)
        settings = {"AIOCSI_API_URL": cloud.ready.address, "AIOCSI_TOKEN_FILE": str(token), "AIOCSI_REGION": REGION}
        controller = Service("controller", "controller", folder / "controller", settings)
        guest = Guest(cloud.state / "droplets" / droplet_id, Image(image), Machine())  # the cloud runs it; its agent
        try:
            await controller.up()
            await guest.agent.connect(guest.folder / "agent", BOOT_SECONDS)
            await guest.use_driver()
            async with Client(controller.socket) as client, serving(guest, folder) as kubelet:
                yield Cluster(client, kubelet, droplet_id)
        finally:
            await guest.agent.close()
            controller.kill()


async def filesystem_bytes(kubelet: Kubelet, volume: Volume) -> int:
    """Return how large its file system is."""
    blocks, unit = (await kubelet.shell(f"stat -f -c '%b %S' {volume.target}")).split()
    return int(blocks) * int(unit)


async def grow_under_a_pod(cloud: Cluster, kind: str) -> None:
    """Use a volume, let it grow while a pod writes, and look for all that the pod had synced, on the disk."""
    volume, kubelet = await cloud.provide(kind), cloud.kubelet
    await kubelet.stage(volume)
    await kubelet.publish(volume)
    log = f"/run/writers/{kind}"
    argv = ("python3", "-I", "-S", PROGRAM, f"{volume.target}/records")
    writer = Writer(kubelet.guest.agent, await kubelet.guest.agent.spawn(*argv, "-1", log=log), log)
    await writer.until(1)
    assert await filesystem_bytes(kubelet, volume) < GIB
    assert await cloud.grow(volume, 2 * GIB) == 2 * GIB
    await writer.more()
    synced = await writer.kill()
    mapping = await kubelet.shell(f"blockdev --getsize64 /dev/mapper/{volume.mapper}")
    assert int(mapping) == 2 * GIB - HEADER_BYTES
    assert await filesystem_bytes(kubelet, volume) > 1.8 * GIB
    await kubelet.shell("sync; echo 3 > /proc/sys/vm/drop_caches")
    found = await kubelet.guest.agent.output(*argv, "0", seconds=SECONDS)
    assert int(found.split()[1]) >= synced
    await kubelet.unpublish(volume)
    await kubelet.unstage(volume)


@pytest.mark.asyncio
async def test_encrypted_volumes_grow_under_pods_that_write_as_kubernetes_lets_them(
    guest_image: Path, driver_image: Path, tmp_path: Path
) -> None:
    async with cluster(tmp_path, guest_image, driver_image) as cloud:
        await cloud.kubelet.guest.agent.write(PROGRAM, Path(program.__file__).read_bytes())  # noqa: ASYNC240  # small
        await asyncio.gather(*(grow_under_a_pod(cloud, kind) for kind in KINDS))
        assert await cloud.kubelet.shell("dmsetup ls") == "No devices found\n"
