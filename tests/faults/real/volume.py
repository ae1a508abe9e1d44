"""One volume on the move: made, attached, staged, published, read and written, and all of it undone, again and again.

Each call is repeated, as sidecars and kubelet do, until it succeeds; an answer that is final ends the run.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeVar

from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from tests.faults.real import writer
from tests.harness.client import Client
from tests.harness.life import Life
from tests.harness.stack import Node, Service, Stack

CALL_LIMIT_SECONDS = 180.0
PAUSE_SECONDS = 0.2
NOT_FINAL = frozenset({Status.UNAVAILABLE, Status.ABORTED, Status.DEADLINE_EXCEEDED, Status.CANCELLED})

Answer = TypeVar("Answer")


class Refused(Exception):
    """A call was refused for good, or did not succeed in the time that it has."""


class Traveller:
    """A volume, and what was synced to it."""

    def __init__(self, stack: Stack, life: Life, counts: Counter[str], seed: int) -> None:
        self._stack = stack
        self._life = life
        self._counts = counts
        self._chance = random.Random(seed)  # noqa: S311  # replays the moves, not the clock
        self._synced = 0
        self._raw = life.capability.block is not None

    async def travel(self, stop: asyncio.Event) -> None:
        """Move until told to stop, and at least twice; then look once more, and delete the volume."""
        await self._insist(self._stack.controller, self._life.create)
        moves = 0
        while not stop.is_set() or moves < 2:
            await self._visit(self._chance.choice(self._stack.nodes))
            moves += 1
        await self._insist(self._stack.controller, self._life.delete)

    async def _visit(self, node: Node) -> None:
        life, controller = self._life, self._stack.controller
        await self._insist(controller, lambda client: life.attach(client, node))
        await self._insist(node, lambda client: life.stage(client, node))
        await self._insist(node, lambda client: life.publish(client, node))
        path = life.target_path(node) if self._raw else life.target_path(node) / "log"
        self._counts["bytes checked"] += await asyncio.to_thread(writer.check, path, self._synced)
        self._synced = await asyncio.to_thread(writer.write, path, self._synced, self._chance.randint(1, 40))
        await self._insist(node, lambda client: life.unpublish(client, node))
        await self._insist(node, lambda client: life.unstage(client, node))
        await self._insist(controller, lambda client: life.detach(client, node))
        self._counts["moves"] += 1

    async def _insist(self, service: Service, call: Callable[[Client], Awaitable[Answer]]) -> Answer:
        end = asyncio.get_running_loop().time() + CALL_LIMIT_SECONDS
        while True:
            self._counts["calls"] += 1
            try:
                async with Client(service.socket) as client:
                    return await call(client)
            except GRPCError as error:
                said = f"{self._life.name}: {error.status.name}: {error.message}"
                if error.status not in NOT_FINAL:
                    raise Refused(said) from None
            except (OSError, StreamTerminatedError, TimeoutError, AttributeError) as error:  # the last: grpclib's, of a
                # connection that broke while it was made
                said = f"{self._life.name}: {error!r}"
            self._counts["calls repeated"] += 1
            if asyncio.get_running_loop().time() > end:
                raise Refused(f"not done after {CALL_LIMIT_SECONDS:g} s: {said}")
            await asyncio.sleep(PAUSE_SECONDS)  # noqa: TID251  # a caller's back-off
