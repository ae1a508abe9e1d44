"""The fake cloud, and the driver's own view of the embedded cloud, behind one protocol."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from controller.cloud.base import Cloud
from controller.cloud.records import Pending, Progress, Volume, VolumeOrder
from controller.digitalocean.client import DigitalOcean
from controller.digitalocean.connection import session
from controller.digitalocean.http import Http
from controller.digitalocean.token import Token
from controller.digitalocean.token_state import TokenState
from controller.pacing.budget import Budget
from controller.records import Source
from tests.fakes.cloud import FakeCloud
from tests.fakes.other_cloud import ZONES, OtherCloud
from tools.services.localcloud import here

ACTION_SECONDS = 0.1
SLOW_SECONDS = 1.5  # of an action that is looked at while it is under way
LIMITS = ("--account-volumes=4", "--droplet-volumes=2")
ENDED_SECONDS = 60


@dataclass(frozen=True)
class Subject:
    """A cloud with two servers in a zone, room for four volumes, and two on a server.

    ``no_id`` is the id of nothing; of the ``labels`` the first is one of an ordered volume, the others come later.
    """

    cloud: Cloud
    servers: tuple[str, ...]
    zone: str = "nyc1"
    other_zone: str = "fra1"
    no_id: str = "00000000-0000-0000-0000-000000000000"
    no_server: str = "999"
    labels: tuple[str, str, str] = ("a:b", "c:d", "never-seen")
    names_span_zones: bool = False

    def gib(self, more: int = 0) -> int:
        """Return a size of a volume, GiB: the smallest, and so much more."""
        return self.cloud.traits.sizes.smallest + more

    def order(self, name: str, more_gib: int = 0, snapshot_id: str | None = None) -> VolumeOrder:
        """Return the order of a volume that is so much larger than the smallest one."""
        source = Source(snapshot_id=snapshot_id or "")
        return VolumeOrder(name, self.zone, self.gib(more_gib), source, self.labels[:1], snapshot_id)

    async def create(self, order: VolumeOrder) -> Volume:
        """Make a volume, and wait until it is made."""
        volume, action = await self.cloud.create_volume(order)
        await self.ended(action)
        return volume if action is None else await self.cloud.get_volume(volume.id)

    async def ended(self, action: Pending | None) -> Progress | None:
        """Wait for the end of an action; None if all was done at once."""
        async with asyncio.timeout(ENDED_SECONDS):
            while action is not None:
                await asyncio.sleep(ACTION_SECONDS / 5)
                for told in await self.cloud.progress([action]):
                    if told.ended:
                        return told
        return None


class Untold:
    """Requests that nobody counts."""

    def count(self, method: str, path: str, status: int, seconds: float) -> None:
        """Take note of nothing."""


@asynccontextmanager
async def fake(folder: Path, action_seconds: float) -> AsyncIterator[Subject]:
    """The cloud in memory."""
    del folder
    cloud = FakeCloud(action_seconds=action_seconds, latency=0)
    cloud.volume_limit, cloud.server_limit, cloud.snapshot_interval = 4, 2, 600
    yield Subject(cloud, tuple(cloud.servers))


@asynccontextmanager
async def other(folder: Path, action_seconds: float) -> AsyncIterator[Subject]:
    """The second cloud in memory, which is not DigitalOcean."""
    del folder
    cloud = OtherCloud(action_seconds=action_seconds, latency=0)
    cloud.volume_limit, cloud.server_limit = 4, 2
    labels = ("team=a", "team=b", "tier=never-seen")
    yield Subject(cloud, tuple(cloud.servers), ZONES[0], "nowhere-1", "7", "8", labels, names_span_zones=True)


@asynccontextmanager
async def embedded(folder: Path, action_seconds: float) -> AsyncIterator[Subject]:
    """The embedded cloud, through the driver's HTTP."""
    async with here(folder, f"--action-latency={action_seconds}", *LIMITS) as api, session() as http_session:
        access = TokenState(asyncio.get_running_loop().time)
        access.prove(api.token, "")
        http = Http(api.address, Token(api.token), Budget(100_000), access, Untold())
        http.open(http_session)
        cloud = DigitalOcean(http)
        yield Subject(cloud, tuple(each.id for each in (await cloud.list_servers(1)).items))


Make = Callable[[Path, float], AbstractAsyncContextManager[Subject]]
SUBJECTS: dict[str, Make] = {"fake": fake, "embedded": embedded, "other": other}
