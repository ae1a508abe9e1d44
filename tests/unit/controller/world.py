"""A controller on a cloud in memory, without sockets."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TypeVar

import looptime

from common import deadlines
from common.tasks import Tasks
from controller import wiring
from controller.pacing.look_price import Left
from controller.records import BLANK, Attach, ControllerScope, Create, Detach, Size, Source
from controller.service import Controller
from controller.shared import make_shared
from csi_proto.csi import v1 as csi
from tests.fakes.cloud import FakeCloud
from tools.csi.kubelet import Modes, mounted

Result = TypeVar("Result")
DRIVER = "dobs.csi.digitalocean.com"
ANY_SIZE = Size()
NO_UUID = "00000000-0000-0000-0000-000000000000"


FULL = Left(hour_limit=5000, hour=5000, reset_seconds=3600, minute_limit=250, minute=250)
SCARCE = FULL._replace(hour=900)


@dataclass
class Calm:
    """A budget that does not change."""

    now: Left = FULL

    def left(self) -> Left:
        return self.now


def _wall() -> float:
    """Return the cloud's own time."""
    return asyncio.get_running_loop().time()


class World:
    """A process of the controller: what it keeps in memory is gone when another world is made on the same cloud."""

    def __init__(
        self, cloud: FakeCloud | None = None, tags: tuple[str, ...] = (), *, confirm: bool = False, left: Left = FULL
    ) -> None:
        self.cloud = cloud or FakeCloud()
        self.tasks = Tasks()
        self.parts = make_shared(self.cloud, self.tasks, Calm(left))
        identity = ControllerScope(DRIVER, self.cloud.zone, self.cloud.facts, self.cloud.traits, tags)
        self.work = wiring.make_domains(self.parts, identity, longest_page=250, confirm=confirm, wall=_wall)
        self.volumes = self.work.volumes
        self.attachments = self.work.attachments
        self.service = Controller(identity, self.work)

    async def create(self, name: str = "pvc-a", size: Size = ANY_SIZE, source: Source = BLANK) -> str:
        return (await self.volumes.create(Create(name, self.cloud.zone, size, source))).id

    async def publish(self, volume_id: str, server_id: str) -> str:
        return (await self.attachments.publish(Attach(volume_id, server_id))).volume_name

    async def unpublish(self, volume_id: str, server_id: str | None) -> None:
        await self.attachments.unpublish(Detach(volume_id, server_id))


async def within(seconds: float, work: Coroutine[object, object, Result]) -> Result:
    """Do the work as a call with that deadline."""
    with deadlines.until(asyncio.get_running_loop().time() + seconds):
        return await work


def capability(fs_type: str = "ext4", mode: int = 1, flags: tuple[str, ...] = ()) -> csi.VolumeCapability:
    return mounted(fs_type, *flags, mode=Modes(mode))


def in_virtual_time(work: Coroutine[object, object, Result]) -> Result:
    """Run the work in a loop of its own in which waiting takes no time."""
    with asyncio.Runner(loop_factory=lambda: looptime.new_event_loop(start=0)) as runner:
        return runner.run(work)
