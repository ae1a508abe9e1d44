"""The node's parts in this process, on volumes of their own; each test leaves nothing behind."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from common import deadlines, errors, settings
from common.tasks import Tasks
from node import wiring
from node.host.command import Commands
from node.host.host import Host
from node.host.volume_locks import VolumeLocks
from node.records.requests import Filesystem, Publish, Stage, VolumePath, VolumeSpec
from node.service import NodeDomains
from node.settings import NodeSettings
from tests.integration.node import headers
from tests.integration.node.disks import Disk, Disks, disks
from tools.csi.kubelet import NodeRequests
from tools.processes import traces


@dataclass(frozen=True)
class Bench:
    """A node service without its socket, and the volumes it can see."""

    folder: Path
    disks: Disks
    host: Host
    parts: NodeDomains

    def staging_path(self, disk: Disk) -> str:
        """Where kubelet would stage the volume."""
        return str(self.folder / "plugins" / disk.id / "globalmount")

    def target(self, disk: Disk, pod: str = "pod") -> str:
        """Where kubelet would publish the volume."""
        return str(self.folder / "pods" / pod / disk.id / "mount")

    def asked(self, disk: Disk, kind: str = "ext4") -> NodeRequests:
        """The messages of kubelet. No kind: a raw block volume."""
        return disk.asked(self.staging_path(disk), self.target(disk), kind)

    def stage_request(self, disk: Disk, kind: str = "ext4", **changes: object) -> Stage:
        """What kubelet asks for; ``changes`` are to the volume."""
        fields: dict[str, object] = {"id": disk.id, "name": disk.name, **changes}
        return Stage(VolumeSpec(**fields), self.staging_path(disk), Filesystem(kind), read_only=False)  # type: ignore[arg-type]  # named by the caller

    def publish_request(self, disk: Disk, kind: str = "ext4", *, pod: str = "pod", read_only: bool = False) -> Publish:
        """What kubelet asks for."""
        return Publish(
            volume=VolumeSpec(disk.id, disk.name),
            staging_path=self.staging_path(disk),
            target=self.target(disk, pod),
            filesystem=Filesystem(kind),
            read_only=read_only,
            alone=False,
        )

    async def stage(self, disk: Disk, kind: str = "ext4") -> None:
        """Stage a volume as a file system."""
        await self.parts.staging.stage(self.stage_request(disk, kind))

    async def publish(self, disk: Disk, kind: str = "ext4", *, pod: str = "pod") -> Path:
        """Publish a staged volume; return where it is."""
        await self.parts.publishing.publish(self.publish_request(disk, kind, pod=pod))
        return Path(self.target(disk, pod))

    async def unpublish(self, disk: Disk, pod: str = "pod") -> None:
        """Undo a publish."""
        await self.parts.publishing.unpublish(VolumePath(disk.id, self.target(disk, pod)))

    async def unstage(self, disk: Disk) -> None:
        """Undo a stage."""
        await self.parts.unstaging.unstage(VolumePath(disk.id, self.staging_path(disk)))

    async def unstage_within(self, disk: Disk, seconds: float) -> None:
        """Undo a stage, asked by a caller with a deadline."""
        with deadlines.until(asyncio.get_running_loop().time() + seconds):
            await self.unstage(disk)

    async def unstage_refusal(self, disk: Disk) -> errors.Unavailable:
        """Return the error of an unstage, asked for by a caller in a hurry, and by a patient one if that is too soon.

        Raises AssertionError if it succeeds.
        """
        seconds = 1.2
        async with asyncio.timeout(150):
            while True:
                try:
                    await self.unstage_within(disk, seconds)
                except errors.Unavailable as error:
                    return error
                except (errors.DeadlineExceeded, errors.Busy):
                    seconds = 120.0
                    await asyncio.sleep(0.05)  # noqa: TID251  # the sidecar's back-off
                else:
                    raise AssertionError(f"{disk.file} was unstaged")

    async def refusal(self, disk: Disk, kind: str = "ext4", **changes: object) -> errors.DriverError:
        """Return the error that staging ends with. Raises AssertionError if it succeeds."""
        try:
            await self.parts.staging.stage(self.stage_request(disk, kind, **changes))
        except errors.DriverError as error:
            return error
        raise AssertionError(f"{disk.file} was staged as {kind}")

    async def undo(self) -> None:
        """Undo whatever the test has left."""
        for mount in reversed(traces.mounts(self.folder)):
            with suppress(errors.DriverError):
                await self.host.mounts.unmount(str(mount.point))


def make_bench(folder: Path, made: Disks, commits: Tasks, commands: Commands | None = None, **values: str) -> Bench:
    """Put a node's parts together, with other settings where ``values`` says so, and other ``commands``."""
    variables = {
        "AIOCSI_DEVICE_DIR": str(made.devices),
        "AIOCSI_STATE_DIR": str(folder / "state"),
        "AIOCSI_KUBELET_DIR": str(folder),
        "AIOCSI_DEVICE_WAIT_SECONDS": "0",
        **values,
    }
    chosen = settings.read(NodeSettings, [], "node", "tests", variables)
    host = wiring.make_host(chosen, commands or Commands())
    return Bench(folder, made, host, wiring.make_parts(chosen, host, VolumeLocks(commits)))


@pytest.fixture
def volumes(disk_folder: Path) -> Iterator[Disks]:
    """Volumes in a folder of their own."""
    with disks(disk_folder / f"node-{uuid.uuid4().hex[:8]}") as made:
        yield made


@pytest_asyncio.fixture
async def bench(volumes: Disks) -> AsyncIterator[Bench]:
    """A node's parts."""
    commits = Tasks()
    made = make_bench(volumes.folder, volumes, commits)
    yield made
    await commits.settle(30)
    await made.undo()
    await commits.close()


@pytest_asyncio.fixture
async def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> headers.Disk:
    """A disk with the old passphrase, whose cryptsetup can be killed."""
    made = await headers.encrypted(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return made
