"""Kills the processes with SIGKILL: at any moment, and right after a line of their log, which tells of an effect."""

import asyncio
import random
from collections import Counter

from tests.harness.stack import LocalCloud, Service, Stack

QUIET_SECONDS = 3.0  # a log that says nothing for so long is not waited for any longer
LOOK_SECONDS = 0.001


class Killer:
    """Kills one process after the other, and starts each again."""

    def __init__(self, stack: Stack, counts: Counter[str], seed: int) -> None:
        self._stack = stack
        self._counts = counts
        self._chance = random.Random(seed)  # noqa: S311  # draws moments

    async def kill(self, stop: asyncio.Event) -> None:
        """Kill until told to stop."""
        stack = self._stack
        victims: tuple[Service | LocalCloud, ...] = (stack.controller, *stack.nodes, *stack.nodes, stack.localcloud)
        while not stop.is_set():
            await asyncio.sleep(self._chance.uniform(0.2, 2.5))  # noqa: TID251  # a kill comes at any moment
            victim = self._chance.choice(victims)
            if self._chance.random() < 0.7:
                await self._after_lines(victim, self._chance.randint(1, 12))
            victim.kill()
            self._counts[f"kills of {victim.name}"] += 1
            await asyncio.sleep(self._chance.choice((0.0, 0.0, 0.5)))  # noqa: TID251  # as long as it is not there
            await victim.up()

    async def _after_lines(self, victim: Service | LocalCloud, lines: int) -> None:
        """Return as soon as so many lines more are in the log."""
        loop = asyncio.get_running_loop()
        end, size = loop.time() + QUIET_SECONDS, victim.log_size
        while lines and loop.time() < end:
            await asyncio.sleep(LOOK_SECONDS)  # noqa: TID251  # another process's log
            if victim.log_size > size:
                lines, size = lines - 1, victim.log_size
