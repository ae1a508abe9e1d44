"""A model of kubelet 1.37 for one pod with one volume: stage, publish, run, and take it all away again.

Facts: calls have two minutes; back-off begins at half a second, doubles, and stops at 122 s. After an answer that is
not final a mount is "uncertain": it is undone when the pod goes. After a final one, of a volume that was not mounted
before, nothing is undone. After a restart kubelet takes what it finds on its disk for uncertain. Unpublish and unstage
are repeated until they succeed; until then the volume is in use.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from betterproto2 import Message

from csi_proto.csi import v1 as csi
from tests.fakes.host.host import SimHost
from tests.fakes.host.kernel import IoError
from tests.faults.cluster.objects import GIB, Attachment, Pod, Store
from tests.faults.sim.bell import Bell
from tests.faults.sim.loop import sleep
from tests.faults.sim.rpc import Failed
from tests.faults.sim.trace import Trace
from tools.csi.kubelet import NodeRequests

CALL_SECONDS = 120.0
FIRST_SECONDS, LONGEST_SECONDS = 0.5, 122.0

Reply = TypeVar("Reply", bound=Message)


class Around(Protocol):
    """What kubelet asks of the world."""

    store: Store
    bell: Bell
    trace: Trace

    async def ask_node(self, host: int, request: Message, reply: type[Reply], seconds: float) -> Reply: ...
    def next_record(self) -> int: ...
    def lost(self, pod: Pod, found: list[int]) -> None: ...  # compare what is on the volume
    def draw(self, low: float, high: float) -> float: ...


class Staging:
    """What kubelet knows of a volume on its host: whether it is staged, and for which pods. One call at a time."""

    def __init__(self) -> None:
        self.state = ""  # "", "uncertain", "yes"
        self.users: list[Pod] = []
        self.turn = asyncio.Lock()

    def reconstruct(self) -> "Staging":
        """Return what a new kubelet finds on the disk."""
        found = Staging()
        found.state = "uncertain" if self.state else ""
        return found


class PodLife:
    """One pod on a host, from kubelet's side. Ends with kubelet's process."""

    def __init__(self, around: Around, host: SimHost, pod: Pod, staging: Staging) -> None:
        self._device = staging
        self._around = around
        self._host = host
        self._pod = pod
        self._claim = pod.claim
        number = around.store.pods.index(pod)
        self._staging = f"/var/lib/kubelet/plugins/csi/{self._claim.name}/globalmount"
        self._target = f"/var/lib/kubelet/pods/{number}/volumes/{self._claim.name}/mount"

    async def live(self) -> None:
        """Run the pod until it is deleted, then clean up after it."""
        volume_id = self._claim.volume_id
        self._host.in_use.add(volume_id)
        wanted = await self._attached()
        if wanted is not None:
            self._device.users.append(self._pod)
            await self._until(lambda: self._stage(wanted))
            if self._device.state == "yes" and not self._ends:
                await self._until(lambda: self._publish(wanted))
            if self._pod.published == "yes":
                await self._run()
        await self._take_away()
        others = [each for each in self._around.store.pods if each.host == self._host.number and not each.gone]
        if not any(each is not self._pod and each.claim is self._claim for each in others):
            self._host.in_use.discard(volume_id)
        self._pod.gone, self._pod.running = True, False
        self._around.bell.ring()

    @property
    def _ends(self) -> bool:
        """Whether kubelet knows that the pod shall go."""
        return self._pod.deleting and self._host.online

    async def _attached(self) -> Attachment | None:
        """Wait for the attachment; None if the pod shall go before that."""
        found: list[Attachment] = []

        def is_there() -> bool:
            each = self._around.store.attachment(self._claim, self._host.number)
            if each is not None and each.attached and not each.deleting and self._host.online:
                found.append(each)
            return bool(found) or self._ends

        await self._around.bell.until(is_there)
        return found[0] if found else None

    async def _until(self, attempt: Callable[[], Awaitable[None]]) -> None:
        """Repeat until it succeeds or the pod shall go."""
        pause = FIRST_SECONDS
        while not self._ends:
            try:
                await attempt()
            except Failed:
                await self._around.bell.until(lambda: self._ends, pause)
                pause = min(LONGEST_SECONDS, pause * 2)
            else:
                return

    async def _stage(self, wanted: Attachment) -> None:
        async with self._device.turn:
            if self._device.state != "yes":
                await self._stage_now(wanted)

    async def _stage_now(self, wanted: Attachment) -> None:
        self._host.kernel.folders.add(self._staging)
        self._device.state = "uncertain"
        try:
            await self._ask(self._asked(wanted).stage(), csi.NodeStageVolumeResponse)
        except Failed as failed:
            self._device.state = "" if failed.final else "uncertain"
            raise
        self._device.state = "yes"

    async def _publish(self, wanted: Attachment) -> None:
        self._pod.published = "uncertain"
        try:
            await self._ask(self._asked(wanted).publish(), csi.NodePublishVolumeResponse)
        except Failed as failed:
            self._pod.published = "" if failed.final else "uncertain"
            raise
        self._pod.published = "yes"

    async def _run(self) -> None:
        """Read what is there, then write until the pod shall go."""
        try:
            found = self._host.kernel.read(self._target)
        except IoError:
            self._around.trace.count("reads refused")
        else:
            self._around.lost(self._pod, found)
        self._pod.running = True
        self._around.bell.ring()
        while not self._ends:
            await self._write()
            await self._around.bell.until(lambda: self._ends or self._must_grow, self._around.draw(1, 8))
            if self._must_grow and not self._ends:
                await self._grow()
        self._pod.running = False
        await sleep(self._around.draw(0.1, 3))  # the containers end

    async def _write(self) -> None:
        record = self._around.next_record()
        with contextlib.suppress(IoError):
            self._host.kernel.write(self._target, record)
            self._claim.synced.append(record)

    @property
    def _must_grow(self) -> bool:
        return self._claim.node_wanted_gib > 0 and self._host.online

    async def _grow(self) -> None:
        request = self._asked().expand(self._claim.node_wanted_gib * GIB)
        try:
            await self._ask(request, csi.NodeExpandVolumeResponse)
        except Failed:
            await self._around.bell.until(lambda: self._ends, 5.0)
        else:
            self._claim.node_wanted_gib = 0
            self._around.bell.ring()

    async def _take_away(self) -> None:
        asked = self._asked()
        if self._pod.published:
            await self._insist(lambda: self._ask(asked.unpublish(), csi.NodeUnpublishVolumeResponse))
            self._pod.published = ""
        if self._pod in self._device.users:
            self._device.users.remove(self._pod)
        async with self._device.turn:
            if self._device.state and not self._device.users:
                await self._insist(lambda: self._ask(asked.unstage(), csi.NodeUnstageVolumeResponse))
                self._device.state = ""
                self._host.kernel.folders.discard(self._staging)

    async def _insist(self, attempt: Callable[[], Awaitable[Message]]) -> None:
        pause = FIRST_SECONDS
        while True:
            try:
                await attempt()
            except Failed:
                await sleep(pause)
                pause = min(LONGEST_SECONDS, pause * 2)
            else:
                return

    async def _ask(self, request: Message, reply: type[Reply]) -> Reply:
        return await self._around.ask_node(self._host.number, request, reply, CALL_SECONDS)

    def _asked(self, wanted: Attachment | None = None) -> NodeRequests:
        claim, published = self._claim, {} if wanted is None else wanted.publish_context
        context = {} if claim.volume is None else claim.volume.volume_context
        return NodeRequests(claim.volume_id, published, self._staging, self._target, claim.capability, context)
