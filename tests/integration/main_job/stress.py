"""Many lives at once, while processes are killed and the cloud misbehaves; then everything must be as if nothing was.

``python -m tests.integration.main_job.stress --seconds 120 --seed 1``. Exit status: 0 all held, 1 something did not.
"""

import argparse
import asyncio
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grpclib.exceptions import GRPCError

from tests.integration.main_job.journey import Journey, until_done
from tests.integration.main_job.killing import kill, victim
from tools.csi import kubelet
from tools.csi.life import Life
from tools.processes import traces
from tools.processes.reaper import Reaper
from tools.services.embedded_cloud import Json
from tools.services.stack import Stack, running

CLOUD = ("--rate-hour=0", "--rate-minute=0", "--action-latency=0.05-0.5")
CALL_SECONDS = 90
FAULTS: tuple[dict[str, Json], ...] = (
    {"kind": "error", "probability": 0.05, "status": 503},
    {"kind": "drop_before", "probability": 0.03},
    {"kind": "drop_after", "probability": 0.03},
    {"kind": "rate_limited", "probability": 0.03},
    {"kind": "latency", "probability": 0.1, "seconds": "0.1-1"},
    {"kind": "action_error", "probability": 0.03},
)


@dataclass
class Stress:
    """One run: what it did, and what it found wrong."""

    stack: Stack
    dice: random.Random
    lives: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    finals: Counter[str] = field(default_factory=Counter)

    async def run(self, seconds: float, workers: int) -> None:
        """Live and kill for ``seconds``; then let every life come to its end undisturbed."""
        for fault in FAULTS:
            await self.stack.cloud.send("POST", "/_localcloud/faults", fault)
        end = asyncio.get_running_loop().time() + seconds
        async with asyncio.TaskGroup() as group:
            for number in range(workers):
                group.create_task(self._live(number, end))
            group.create_task(self._kill(end))

    async def _live(self, number: int, end: float) -> None:
        while asyncio.get_running_loop().time() < end:
            capability = self.dice.choice([kubelet.mounted("ext4"), kubelet.mounted("xfs"), kubelet.raw()])
            journey = Journey(self.stack, Life(f"volume-{number}-{self.lives}", capability))
            self.lives += 1
            for step in journey.steps():
                await until_done(step.take, CALL_SECONDS, self._note)

    def _note(self, error: GRPCError) -> None:
        self.finals[f"{error.status.name}: {error.message}"] += 1

    async def _kill(self, end: float) -> None:
        while asyncio.get_running_loop().time() < end:
            await asyncio.sleep(self.dice.uniform(0.2, 3))
            name = self.dice.choice(["localcloud", "controller", "node-a", "node-b"])
            await kill(victim(self.stack, name))
            self.kills[name] += 1
            await victim(self.stack, name).up()
            if name == "localcloud":
                for fault in FAULTS:
                    await self.stack.cloud.send("POST", "/_localcloud/faults", fault)
        await self.stack.cloud.send("DELETE", "/_localcloud/faults")


async def stress(folder: Path, seconds: float, seed: int, workers: int) -> Stress:
    """Run, and look at what is left. Raises AssertionError if something is."""
    async with running(folder, cloud_arguments=CLOUD) as stack:
        found = Stress(stack, random.Random(seed))  # noqa: S311 - to be repeatable
        await found.run(seconds, workers)
        state = await stack.state()
        assert state.volumes == []
        assert state.mounts == []
        assert traces.loops(folder) == ()
        unforeseen = [line for each in stack.programs for line in each.output().splitlines() if "Traceback" in line]
        assert unforeseen == []
        return found


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(prog="stress", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=6)
    options = parser.parse_args(argv)
    folder = Path(tempfile.mkdtemp(prefix="stress-"))
    with Reaper(folder, remove=False):
        found = asyncio.run(stress(folder, options.seconds, options.seed, options.workers))
    print(f"{found.lives} lives, kills {dict(found.kills)}, final codes {dict(found.finals)}; logs in {folder}")
    return 1 if found.finals else 0


if __name__ == "__main__":
    sys.exit(main())
