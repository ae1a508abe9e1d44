"""Kills the processes with SIGKILL: each at a traced effect that it is to die at, or, if that does not come, any time.

A process carries its next death with it when it starts (see ``traced``).
"""

import asyncio
import random
import signal
from collections import Counter
from contextlib import suppress
from pathlib import Path

from tests.faults.real.targets import Target, Targets
from tests.faults.real.traced import DIES
from tools.processes.program import ProgramFailed, until
from tools.services.stack import LocalCloud, Service, Stack

PATIENCE_SECONDS = 10.0  # what was to come and did not in so long may never come
DOWN_SECONDS = (0.0, 0.0, 0.0, 0.5, 2.0)  # as long as it is not there
AT_ANY_MOMENT = 0.2  # of all deaths

Victim = Service | LocalCloud


class Killer:
    """Traces the processes of a stack, and kills them."""

    def __init__(self, stack: Stack, counts: Counter[str], seed: int) -> None:
        self._stack = stack
        self._counts = counts
        self._chance = random.Random(seed)  # noqa: S311  # draws moments
        self._read: dict[str, int] = {}
        self.targets = Targets(seed)

    @property
    def victims(self) -> tuple[Victim, ...]:
        """Every process."""
        return (self._stack.localcloud, self._stack.controller, *self._stack.nodes)

    async def trace(self) -> None:
        """Start every process anew, with its effects traced."""
        for victim in self.victims:
            await victim.down()
            victim.through("tests.faults.real.traced")
            victim.environment["FAULTS_EFFECTS"] = str(_log(victim))
            await victim.up()

    def learn_life(self) -> None:
        """Take what was traced so far for the effects of a calm life."""
        for victim in self.victims:
            self.targets.learn_life(_kind(victim), self._news(victim))

    async def kill(self, stop: asyncio.Event) -> None:
        """Kill until told to stop; then let every process live."""
        async with asyncio.TaskGroup() as group:
            for victim in self.victims:
                group.create_task(self._haunt(victim, stop))

    async def _haunt(self, victim: Victim, stop: asyncio.Event) -> None:
        victim.kill()
        while not stop.is_set():
            targets = [] if self._chance.random() < AT_ANY_MOMENT else self.targets.next(_kind(victim))
            await self._live(victim, targets, stop)
            victim.kill()
            self._bury(victim, targets)
            await asyncio.sleep(self._chance.choice(DOWN_SECONDS))  # noqa: TID251  # as long as it is not there
        victim.environment["FAULTS_DEATHS"] = ""
        await victim.up()

    async def _live(self, victim: Victim, targets: list[Target], stop: asyncio.Event) -> None:
        """Let it live until it dies where it should, or its time is over. Raises ProgramFailed if it ends otherwise."""
        victim.environment["FAULTS_DEATHS"] = "\n".join(target.death for target in targets)
        seconds = PATIENCE_SECONDS if targets else self._chance.uniform(0.3, 5.0)
        try:
            await victim.up()
        except ProgramFailed:
            if not targets or await victim.ended(1.0) != -signal.SIGKILL:
                raise
        with suppress(TimeoutError):
            await until(lambda: True if stop.is_set() or not victim.running else None, seconds)
        if not victim.running and (status := await victim.ended(1.0)) != -signal.SIGKILL:
            raise ProgramFailed(f"{victim.name} ended by itself, with status {status}")

    def _bury(self, victim: Victim, targets: list[Target]) -> None:
        """Take note of how it died."""
        effects = self._news(victim)
        death = next((line.removeprefix(DIES) for line in effects if line.startswith(DIES)), "")
        self.targets.learn(_kind(victim), [line for line in effects if not line.startswith(DIES)])
        at_effect = self.targets.died(targets, death)
        self._counts[f"kills of {victim.name}, {'at an effect' if at_effect else 'at any moment'}"] += 1

    def _news(self, victim: Victim) -> list[str]:
        """Return the effects since the last look."""
        text = _log(victim).read_bytes()
        start, self._read[victim.name] = self._read.get(victim.name, 0), len(text)
        return text[start:].decode().splitlines()


def _kind(victim: Victim) -> str:
    return victim.name.partition("-")[0]


def _log(victim: Victim) -> Path:
    return victim.folder / "effects"
