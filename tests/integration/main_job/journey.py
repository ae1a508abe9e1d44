"""A life whose every call goes to the socket anew and is repeated as a sidecar does, so that it survives restarts."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from tests.integration.main_job.content import content, read, write
from tools.csi.client import Client
from tools.csi.life import Life
from tools.services.stack import Node, Stack

Call = Callable[[], Awaitable[object]]


CONTROLLER, POD = "controller", "pod"


@dataclass(frozen=True)
class Step:
    """One step, and who takes it: the controller, a node of that name, or the pod."""

    by: str
    take: Call


@dataclass
class Journey:
    """A volume's way from its creation, over two nodes, to its end."""

    stack: Stack
    volume: Life
    data: bytes = field(default_factory=lambda: os.urandom(1 << 20))

    def steps(self) -> list[Step]:
        """Return every step of a life on node A and then node B; data is written on the one and read on the other."""
        a, b = self.stack.nodes[:2]
        return [
            Step(CONTROLLER, self.create),
            *self._there(a),
            Step(POD, self.write),
            *self._back(a),
            *self._there(b),
            Step(POD, self.read),
            *self._back(b),
            Step(CONTROLLER, self.delete),
        ]

    def _there(self, node: Node) -> list[Step]:
        return [
            Step(CONTROLLER, lambda: self.attach(node)),
            Step(node.name, lambda: self.stage(node)),
            Step(node.name, lambda: self.publish(node)),
        ]

    def _back(self, node: Node) -> list[Step]:
        return [
            Step(node.name, lambda: self.unpublish(node)),
            Step(node.name, lambda: self.unstage(node)),
            Step(CONTROLLER, lambda: self.detach(node)),
        ]

    async def create(self) -> object:
        async with self._controller() as client:
            return await self.volume.create(client)

    async def attach(self, node: Node) -> object:
        async with self._controller() as client:
            return await self.volume.attach(client, node)

    async def stage(self, node: Node) -> object:
        async with Client(node.socket) as client:
            return await self.volume.stage(client, node)

    async def publish(self, node: Node) -> object:
        async with Client(node.socket) as client:
            return await self.volume.publish(client, node)

    async def write(self) -> None:
        write(content(self.volume, self.stack.nodes[0]), self.data)

    async def read(self) -> None:
        assert read(content(self.volume, self.stack.nodes[1]), len(self.data)) == self.data

    async def unpublish(self, node: Node) -> object:
        async with Client(node.socket) as client:
            return await self.volume.unpublish(client, node)

    async def unstage(self, node: Node) -> object:
        async with Client(node.socket) as client:
            return await self.volume.unstage(client, node)

    async def detach(self, node: Node) -> object:
        async with self._controller() as client:
            return await self.volume.detach(client, node)

    async def delete(self) -> object:
        async with self._controller() as client:
            return await self.volume.delete(client)

    @asynccontextmanager
    async def _controller(self) -> AsyncIterator[Client]:
        async with Client(self.stack.controller.socket) as client:
            yield client


# What the sidecars repeat a call on; they read every other code as final.
NOT_FINAL = {Status.UNAVAILABLE, Status.ABORTED, Status.DEADLINE_EXCEEDED, Status.CANCELLED}


async def until_done(call: Call, seconds: float = 40, on_final: Callable[[GRPCError], None] | None = None) -> object:
    """Call again as a sidecar does, until it is answered with success; a final code is told to ``on_final``."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                return await call()
            except GRPCError as error:
                if on_final is not None and error.status not in NOT_FINAL:
                    on_final(error)
            except (StreamTerminatedError, OSError):
                pass
            await asyncio.sleep(0.05)  # noqa: TID251 - the back-off of a sidecar
