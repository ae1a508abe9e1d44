"""A localcloud without disks and controllers, each a process, and what the sidecars do with them."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from csi_proto.csi import v1 as csi
from tools.csi.client import Client
from tools.csi.kubelet import mounted
from tools.services.localcloud import Api, Process, Ready, client
from tools.services.stack import Service

Result = TypeVar("Result")

REQUEST_SECONDS, ACTION_SECONDS = 0.08, 1.5
LATENCY = (f"--request-latency={REQUEST_SECONDS}", f"--action-latency={ACTION_SECONDS}")
LIMITS = ("--rate-hour=5000", "--rate-minute=250")
CALL_SECONDS = 60.0  # the sidecars' --timeout, as the chart sets it
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 1.0, 300.0  # the sidecars' back-off
RETRIED = frozenset({Status.UNAVAILABLE, Status.ABORTED, Status.DEADLINE_EXCEEDED, Status.RESOURCE_EXHAUSTED})


@dataclass(frozen=True)
class Cost:
    """What a stretch of time cost."""

    requests: int
    refused: int  # 422
    throttled: int  # 429
    seconds: float
    by_kind: Counter[str]


class Stand:
    """Controllers on a running cloud: one makes and deletes volumes; the last of them attaches and detaches."""

    def __init__(self, api: Api, droplets: list[int], clients: list[Client], controllers: list[Service]) -> None:
        self.api = api
        self.droplets = droplets
        self.client = clients[0]
        self.attacher = clients[-1]
        self.controller = controllers[0]
        self.retries = 0
        self._contexts: dict[str, dict[str, str]] = {}  # as a PersistentVolume keeps it

    async def create(self, name: str, source: csi.VolumeContentSource | None = None) -> str:
        """Create a volume; return its id."""
        wanted = csi.CreateVolumeRequest(name=name, volume_capabilities=[WRITER], volume_content_source=source)
        made = await self.sidecar(lambda: self.client.call(wanted, csi.CreateVolumeResponse, seconds=CALL_SECONDS))
        assert made.volume is not None  # noqa: S101 (a benchmark that goes wrong must stop)
        self._contexts[made.volume.volume_id] = dict(made.volume.volume_context)
        return made.volume.volume_id

    async def publish(self, volume_id: str, droplet_id: int) -> None:
        """Attach it."""
        wanted = csi.ControllerPublishVolumeRequest(
            volume_id=volume_id,
            node_id=str(droplet_id),
            volume_capability=WRITER,
            volume_context=self._contexts.get(volume_id, {}),
        )
        await self.sidecar(
            lambda: self.attacher.call(wanted, csi.ControllerPublishVolumeResponse, seconds=CALL_SECONDS)
        )

    async def unpublish(self, volume_id: str, droplet_id: int) -> None:
        """Detach it."""
        wanted = csi.ControllerUnpublishVolumeRequest(volume_id=volume_id, node_id=str(droplet_id))
        await self.sidecar(
            lambda: self.attacher.call(wanted, csi.ControllerUnpublishVolumeResponse, seconds=CALL_SECONDS)
        )

    async def delete(self, volume_id: str) -> None:
        """Delete it."""
        wanted = csi.DeleteVolumeRequest(volume_id=volume_id)
        await self.sidecar(lambda: self.client.call(wanted, csi.DeleteVolumeResponse, seconds=CALL_SECONDS))

    async def life(self, name: str, droplet_id: int) -> str:
        """Create, attach, detach, delete; return the id of what was."""
        volume_id = await self.create(name)
        await self.publish(volume_id, droplet_id)
        await self.unpublish(volume_id, droplet_id)
        await self.delete(volume_id)
        return volume_id

    async def sidecar(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """Make a call as a sidecar does: again, after a growing pause, while the answer is not final."""
        pause = FIRST_RETRY_SECONDS
        while True:
            try:
                return await call()
            except GRPCError as error:
                if error.status not in RETRIED:
                    raise
            self.retries += 1
            await asyncio.sleep(pause)  # noqa: TID251 (a sidecar's back-off is a sleep)
            pause = min(pause * 2, LONGEST_RETRY_SECONDS)

    async def measured(self, work: Awaitable[object]) -> Cost:
        """Do the work; return what it cost, from the cloud's own ledger."""
        await self.api.ask("DELETE", "/_localcloud/ledger")
        start = asyncio.get_running_loop().time()
        await work
        seconds = asyncio.get_running_loop().time() - start
        return _cost((await self.api.ask("GET", "/_localcloud/ledger/requests")).parts("requests"), seconds)


@asynccontextmanager
async def standing(
    droplets: int,
    *arguments: str,
    program: str = "controller",
    folder: Path | None = None,
    replicas: int = 1,
    **settings: str,
) -> AsyncIterator[Stand]:
    """Start cloud and controllers; ``arguments`` are localcloud's, ``settings`` a controller's, without AIOCSI_."""
    with TemporaryDirectory(prefix="aiocsi-cost-") as name:
        state = folder or Path(name) / "cloud"
        options = ("--disks=none", f"--droplets={droplets}", *LATENCY, *LIMITS, *arguments)
        with Process(state, *options) as process:
            folders = [Path(name) / f"controller-{number}" for number in range(replicas)]
            controllers = [_controller(each, process.ready, program, settings) for each in folders]
            try:
                async with AsyncExitStack() as stack:
                    await asyncio.gather(*(each.up() for each in controllers))
                    api = await stack.enter_async_context(client(process))
                    calls = [await stack.enter_async_context(Client(each.socket)) for each in controllers]
                    yield Stand(api, [each.id for each in process.ready.droplets], calls, controllers)
                await asyncio.gather(*(each.down() for each in controllers))
            finally:
                for each in controllers:
                    each.kill()


def _controller(folder: Path, cloud: Ready, program: str, settings: Mapping[str, str]) -> Service:
    named = {f"AIOCSI_{key.upper()}": value for key, value in settings.items()}
    environment = {"AIOCSI_API_URL": cloud.address, "AIOCSI_TOKEN": cloud.token, "AIOCSI_REGION": "nyc1", **named}
    return Service("controller", program, folder, {**environment, "AIOCSI_LOG_LEVEL": "warning"})


def _cost(found: list[dict[str, object]], seconds: float) -> Cost:
    statuses = Counter(int(str(each["status"])) for each in found)
    kinds = Counter(_kind(str(each["method"]), str(each["path"])) for each in found)
    return Cost(len(found), statuses[422], statuses[429], seconds, kinds)


def _kind(method: str, path: str) -> str:
    parts = ["{id}" if any(letter.isdigit() for letter in part) and part != "v2" else part for part in path.split("/")]
    return f"{method} {'/'.join(parts)}"


WRITER = mounted()


def machine() -> str:
    """Say what this ran on."""
    return f"Python {sys.version.split()[0]}, {os.cpu_count()} processors"
