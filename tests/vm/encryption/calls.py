"""An encrypted volume on a guest: the calls that kubelet makes, and what may be looked at from outside."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import betterproto2
from grpclib.exceptions import GRPCError

from csi_proto.csi import v1 as csi
from localcloud.guests.drives import Drive
from localcloud.guests.guest import Guest
from tools.csi.client import ROUTES, Client
from tools.csi.kubelet import NodeRequests, attached, used_as
from tools.guest import guests

GIB = 1 << 30
SECONDS = 240.0  # of a call; everything is emulated
OLD, NEW = "first-passphrase-x7Qp", "second-passphrase-m4Zt"
QUICK = {"encryption": "luks2", "encryptionPbkdf": "pbkdf2", "encryptionPbkdfIterations": "1000"}
STATE = "/run/csi/state"
SETTINGS = {"state_dir": STATE}


@dataclass(frozen=True)
class Volume:
    """A volume as its class and its file make it. No kind: raw block."""

    id: str
    file: Path
    kind: str = "ext4"
    context: Mapping[str, str] = field(default_factory=lambda: dict(QUICK))
    secrets: Mapping[str, str] = field(default_factory=lambda: {"encryption-passphrase": OLD})
    cloud_name: str = ""  # empty: one like its id
    published: Mapping[str, str] = field(default_factory=dict)  # what a controller says of its attachment

    @property
    def name(self) -> str:
        """Its name in the cloud."""
        return self.cloud_name or f"pvc-{self.id}"

    @property
    def mapper(self) -> str:
        """Its mapper's name."""
        return f"aiocsi-{self.id}"

    @property
    def link(self) -> str:
        """The link to its disk."""
        return f"/dev/disk/by-id/scsi-0DO_Volume_{self.name}"

    @property
    def staging(self) -> str:
        """Where it is staged."""
        return f"/var/lib/kubelet/staging/{self.id}"

    @property
    def target(self) -> str:
        """Where it is published."""
        return f"/var/lib/kubelet/pods/{self.id}"

    @property
    def asked(self) -> NodeRequests:
        """What kubelet asks of its node."""
        published = attached(self.name, **self.published)
        capability = used_as(self.kind)
        return NodeRequests(self.id, published, self.staging, self.target, capability, self.context, self.secrets)

    def keyed(self, passphrase: str, old: str = "") -> "Volume":
        """Return it with another Secret."""
        return replace(
            self, secrets={"encryption-passphrase": passphrase, **({"encryption-passphrase-old": old} if old else {})}
        )


@dataclass(frozen=True)
class Kubelet:
    """Calls the node service in one guest."""

    guest: Guest
    client: Client
    pid: int

    async def attach(self, volume: Volume) -> None:
        """Attach a volume, and wait for its link."""
        await self.guest.drives.attach(Drive(volume.name, volume.file))
        await self.shell(f"udevadm wait --timeout=60 {volume.link}")

    async def detach(self, volume: Volume) -> None:
        """Detach it, whatever uses it."""
        await self.guest.drives.detach(volume.name)

    async def shell(self, script: str, seconds: float = 120) -> str:
        """Run a script in the guest."""
        return await self.guest.agent.shell(script, seconds)

    async def stage(self, volume: Volume) -> None:
        """NodeStageVolume."""
        await self._call(volume.asked.stage())

    async def unstage(self, volume: Volume) -> None:
        """NodeUnstageVolume."""
        await self._call(volume.asked.unstage())

    async def publish(self, volume: Volume, *, readonly: bool = False) -> None:
        """NodePublishVolume."""
        await self._call(volume.asked.publish(readonly=readonly))

    async def unpublish(self, volume: Volume) -> None:
        """NodeUnpublishVolume."""
        await self._call(volume.asked.unpublish())

    async def expand(self, volume: Volume, size_bytes: int) -> int:
        """NodeExpandVolume; return the new size."""
        reply = await self._call(volume.asked.expand(size_bytes))
        assert isinstance(reply, csi.NodeExpandVolumeResponse)
        return reply.capacity_bytes

    async def total_bytes(self, volume: Volume) -> int:
        """NodeGetVolumeStats; return the size that a pod sees."""
        reply = await self._call(volume.asked.stats())
        assert isinstance(reply, csi.NodeGetVolumeStatsResponse)
        return reply.usage[0].total

    async def ailments(self, volume: Volume) -> set[str]:
        """NodeGetVolumeHealth; return the reasons."""
        reply = await self._call(volume.asked.health())
        assert isinstance(reply, csi.NodeGetVolumeHealthResponse)
        assert reply.volume_health is not None
        return {status.reason for status in reply.volume_health.health_statuses}

    async def until_ailing(self, volume: Volume, reason: str) -> None:
        """Wait until health gives that reason: of a disk that was taken away the guest only hears."""
        async with asyncio.timeout(SECONDS):
            while reason not in await self.ailments(volume):  # noqa: ASYNC110  # kubelet asks again, too
                await asyncio.sleep(0.3)  # noqa: TID251  # the same

    async def refusal(self, volume: Volume) -> str:
        """Stage a volume that cannot be; return what is said."""
        try:
            await self.stage(volume)
        except GRPCError as error:
            return f"{error.status.name}: {error.message}"
        raise AssertionError(f"volume {volume.id} was staged")

    async def _call(self, request: betterproto2.Message) -> betterproto2.Message:
        return await self.client.call(request, ROUTES[type(request)].reply, seconds=SECONDS)


async def used(kubelet: Kubelet, volume: Volume) -> Volume:
    """Use an encrypted volume, which then has a file with ``data``, and leave it as it is, attached."""
    await kubelet.attach(volume)
    await kubelet.stage(volume)
    await kubelet.shell(f"echo data > {volume.staging}/file")
    await kubelet.unstage(volume)
    return volume


@asynccontextmanager
async def serving(guest: Guest, folder: Path) -> AsyncIterator[Kubelet]:
    """Call the node service of a guest, started if it does not run; a socket is made in ``folder``, which is there."""
    if (running := await guest.agent.run("pgrep", "--full", "--oldest", "aiocsi-node")).status == 0:
        pid = int(running.stdout)
        await guest.agent.forward(guests.NODE_SOCKET, folder / "csi.sock")
    else:
        pid = await guests.start_node(guest, folder / "csi.sock", **SETTINGS)
    async with Client(folder / "csi.sock") as client:
        yield Kubelet(guest, client, pid)
