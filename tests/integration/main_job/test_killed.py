"""Any of the processes is killed, at any point; what was done stays done, and the next call carries on."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import cycle

import pytest
from grpclib.exceptions import GRPCError, StreamTerminatedError

from tests.harness import life
from tests.harness.client import Client
from tests.harness.life import Life
from tests.harness.stack import LocalCloud, Node, Service, Stack
from tests.integration.main_job.content import content, read, write

DATA = os.urandom(1 << 20)
VICTIMS = ["localcloud", "controller", "node-a"]
MOMENTS_SECONDS = (0.002, 0.01, 0.03, 0.06, 0.1)


@dataclass
class Journey:
    """A life whose every call goes to the socket anew, so that a restart between two calls does not matter."""

    stack: Stack
    volume: Life

    def steps(self) -> list[Callable[[], Awaitable[object]]]:
        """Return every step of a life on node A and then node B; data is written on the one and read on the other."""
        a, b = self.stack.nodes[:2]
        return [
            self.create,
            *(lambda: self.attach(a), lambda: self.stage(a), lambda: self.publish(a), self.write),
            *(lambda: self.unpublish(a), lambda: self.unstage(a), lambda: self.detach(a)),
            *(lambda: self.attach(b), lambda: self.stage(b), lambda: self.publish(b), self.read),
            *(lambda: self.unpublish(b), lambda: self.unstage(b), lambda: self.detach(b)),
            self.delete,
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
        write(content(self.volume, self.stack.nodes[0]), DATA)

    async def read(self) -> None:
        assert read(content(self.volume, self.stack.nodes[1]), len(DATA)) == DATA

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


def victim(stack: Stack, name: str) -> LocalCloud | Service:
    """Return the program of that name."""
    programs: list[LocalCloud | Service] = [stack.localcloud, stack.controller, *stack.nodes]
    return next(program for program in programs if program.name == name)


async def kill(program: LocalCloud | Service) -> None:
    """Kill it as a crash does; what it started dies with it, as in a container."""
    program.signal(signal.SIGKILL)
    await program.ended(10)
    program.kill()


async def until_done(call: Callable[[], Awaitable[object]]) -> object:
    """Call again as a sidecar does, until it is answered with success."""
    async with asyncio.timeout(40):
        while True:
            with suppress(GRPCError, StreamTerminatedError, OSError):
                return await call()
            await asyncio.sleep(0.05)  # noqa: TID251 - the back-off of a sidecar


@pytest.mark.asyncio
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", VICTIMS)
async def test_a_call_that_succeeded_before_the_kill_is_answered_the_same_after_it(
    name: str, fresh_stack: Stack
) -> None:
    journey = Journey(fresh_stack, Life("same-answer", life.mounted("ext4")))
    for step in journey.steps():
        first = await step()
        before = await fresh_stack.state()
        await kill(victim(fresh_stack, name))
        await victim(fresh_stack, name).up()
        assert await step() == first
        assert await fresh_stack.state() == before
    assert await fresh_stack.cloud.volumes() == []
    assert (await fresh_stack.state()).mounts == []


@pytest.mark.asyncio
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", VICTIMS)
async def test_a_process_that_is_killed_during_every_step_loses_nothing(name: str, fresh_stack: Stack) -> None:
    """Killed a moment after the call was sent; the sidecar calls again until it is done."""
    journey = Journey(fresh_stack, Life("shaken", life.mounted("ext4")))
    moments = cycle(MOMENTS_SECONDS)
    for step in journey.steps():
        if step in (journey.write, journey.read):
            await step()
            continue
        under_way = asyncio.gather(until_done(step))
        await asyncio.wait([under_way], timeout=next(moments))
        await kill(victim(fresh_stack, name))
        await victim(fresh_stack, name).up()
        await under_way
    assert await fresh_stack.cloud.volumes() == []
    assert (await fresh_stack.state()).mounts == []
