"""One volume on the move: made, attached, staged, published, read and written, and all of it undone, again and again.

Now and then it grows, or is copied by a snapshot or a clone; the copy is read elsewhere, and deleted. Each call is
repeated, as sidecars and kubelet do, until it succeeds; an answer that is final ends the run.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from csi_proto.csi import v1 as csi
from tests.faults.real import writer
from tools.csi.client import Client
from tools.csi.life import GIB, Life
from tools.services.stack import Node, Service, Stack

CALL_LIMIT_SECONDS = 180.0
PAUSE_SECONDS = 0.2
LARGEST_BYTES = 6 * GIB
NOT_FINAL = frozenset({Status.UNAVAILABLE, Status.ABORTED, Status.DEADLINE_EXCEEDED, Status.CANCELLED})

Answer = TypeVar("Answer")


class Refused(Exception):
    """A call was refused for good, or did not succeed in the time that it has."""


class Traveller:
    """A volume, and what was synced to it."""

    def __init__(self, stack: Stack, life: Life, counts: Counter[str], seed: str) -> None:
        self._stack = stack
        self._first = self._life = life
        self._counts = counts
        self._chance = random.Random(seed)  # noqa: S311  # replays the moves, not the clock
        self._synced = 0
        self._copies = 0
        mount = life.capability.mount
        self._grows_when_staged = mount is not None and mount.fs_type == "ext4"  # mounted it needs CAP_SYS_RESOURCE

    async def travel(self, stop: asyncio.Event) -> None:
        """Live lives until told to stop, and at least one."""
        lives = 0
        while not stop.is_set() or not lives:
            lives += 1
            self._life, self._synced = replace(self._first, name=f"{self._first.name}-life-{lives}"), 0
            await self._live()

    async def _live(self) -> None:
        """Be made, move a few times, and be deleted."""
        await self._insist(self._stack.controller, self._life.create)
        for _ in range(self._chance.randint(2, 5)):
            await self._move(self._chance.choice(self._stack.nodes))
            if self._chance.random() < 0.25:
                await self._copy(self._chance.choice(self._stack.nodes))
        await self._insist(self._stack.controller, self._life.delete)
        self._counts["lives"] += 1

    async def live_once(self) -> None:
        """Do each thing once, in the order in which it comes."""
        await self._insist(self._stack.controller, self._life.create)
        await self._arrive(self._life, self._stack.nodes[0])
        await self._write(self._stack.nodes[0])
        await self._grow(self._stack.nodes[0])
        await self._leave(self._life, self._stack.nodes[0])
        for node in self._stack.nodes[:2]:
            await self._copy(node)
        await self._insist(self._stack.controller, self._life.delete)

    async def _move(self, node: Node) -> None:
        await self._arrive(self._life, node)
        self._counts["bytes checked"] += await asyncio.to_thread(self._check, self._life, node)
        await self._write(node)
        if self._life.size_bytes < LARGEST_BYTES and self._chance.random() < 0.25:
            await self._grow(node)
        await self._leave(self._life, node)
        self._counts["moves"] += 1

    async def _write(self, node: Node) -> None:
        count = self._chance.randint(1, 40)
        self._synced = await asyncio.to_thread(writer.write, _log(self._life, node), self._synced, count)

    async def _grow(self, node: Node) -> None:
        life, wanted = self._life, self._life.size_bytes + GIB
        await self._insist(self._stack.controller, lambda client: life.grow(client, wanted))
        if not self._grows_when_staged:
            await self._insist(node, lambda client: life.grow_on_node(client, node))
        self._counts["expansions"] += 1

    async def _copy(self, node: Node) -> None:
        """Restore a snapshot as another volume, or clone this one: the copy holds what was synced before."""
        controller, life = self._stack.controller, self._life
        self._copies += 1
        name = f"{life.name}-copy-{self._copies}"
        snapshot_id = (
            "" if self._copies % 2 else await self._insist(controller, lambda client: _take(client, life, name))
        )
        copy = Life(name, life.capability, life.size_bytes, _source(life, snapshot_id))
        await self._insist(controller, copy.create)
        await self._arrive(copy, node)
        self._counts["bytes checked"] += await asyncio.to_thread(self._check, copy, node)
        await self._leave(copy, node)
        await self._insist(controller, copy.delete)
        if snapshot_id:
            dropped = csi.DeleteSnapshotRequest(snapshot_id=snapshot_id)
            await self._insist(controller, lambda client: client.call(dropped, csi.DeleteSnapshotResponse))
        self._counts["copies"] += 1

    def _check(self, life: Life, node: Node) -> int:
        """Read all that was synced; the file system is as large as its volume. Raises Lost."""
        if life.capability.block is None:
            writer.check_size(life.target_path(node), life.size_bytes)
        return writer.check(_log(life, node), self._synced)

    async def _arrive(self, life: Life, node: Node) -> None:
        await self._insist(self._stack.controller, lambda client: life.attach(client, node))
        await self._insist(node, lambda client: life.stage(client, node))
        await self._insist(node, lambda client: life.publish(client, node))

    async def _leave(self, life: Life, node: Node) -> None:
        await self._insist(node, lambda client: life.unpublish(client, node))
        await self._insist(node, lambda client: life.unstage(client, node))
        await self._insist(self._stack.controller, lambda client: life.detach(client, node))

    async def _insist(self, service: Service, call: Callable[[Client], Awaitable[Answer]]) -> Answer:
        end = asyncio.get_running_loop().time() + CALL_LIMIT_SECONDS
        while True:
            self._counts["calls"] += 1
            try:
                async with Client(service.socket) as client:
                    return await call(client)
            except GRPCError as error:
                said = f"{time.strftime('%H:%M:%S')} {self._life.name}: {error.status.name}: {error.message}"
                if error.status not in NOT_FINAL:
                    raise Refused(said) from None
            except (OSError, StreamTerminatedError, TimeoutError, AttributeError) as error:  # the last: grpclib's, of a
                # connection that broke while it was made
                said = f"{self._life.name}: {error!r}"
            self._counts["calls repeated"] += 1
            if asyncio.get_running_loop().time() > end:
                raise Refused(f"not done after {CALL_LIMIT_SECONDS:g} s: {said}")
            await asyncio.sleep(PAUSE_SECONDS)  # noqa: TID251  # a caller's back-off


def _log(life: Life, node: Node) -> Path:
    target = life.target_path(node)
    return target if life.capability.block is not None else target / "log"


async def _take(client: Client, life: Life, name: str) -> str:
    request = csi.CreateSnapshotRequest(source_volume_id=life.volume.volume_id, name=name)
    reply = await client.call(request, csi.CreateSnapshotResponse, seconds=60)
    assert reply.snapshot is not None, reply
    return reply.snapshot.snapshot_id


def _source(life: Life, snapshot_id: str) -> csi.VolumeContentSource:
    if snapshot_id:
        return csi.VolumeContentSource(snapshot=csi.VolumeContentSourceSnapshotSource(snapshot_id=snapshot_id))
    of = csi.VolumeContentSourceVolumeSource(volume_id=life.volume.volume_id)
    return csi.VolumeContentSource(volume=of)
