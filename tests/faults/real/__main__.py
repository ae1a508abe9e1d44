"""``python -m tests.faults.real``: kill the real processes for a while, and see that nothing is lost. Needs root."""

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.faults.bench import table
from tests.faults.real.killer import Killer
from tests.faults.real.volume import Traveller
from tools.csi.kubelet import mounted, raw
from tools.csi.life import Life
from tools.processes import traces
from tools.services.embedded_cloud import Json
from tools.services.machine import missing_for_disks
from tools.services.stack import ROOT, Stack, running

CLOUD = ("--action-latency", "0.05-0.6", "--rate-minute", "0", "--rate-hour", "0", "--snapshot-interval", "0")
FAULTS: tuple[Json, ...] = (
    {"kind": "drop_after", "where": {"method": "POST"}, "probability": 0.04},
    {"kind": "drop_before", "probability": 0.02},
    {"kind": "error", "probability": 0.02},
    {"kind": "action_error", "probability": 0.02},
)
MOST_LINES = 12
KINDS = (lambda: mounted("ext4"), lambda: mounted("xfs"), raw, lambda: mounted("btrfs"))


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 nothing was lost, 1 something was, 2 this machine cannot do it."""
    parser = argparse.ArgumentParser(prog="tests.faults.real", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="how long processes are killed")
    parser.add_argument("--volumes", type=int, default=4, help="how many volumes move side by side")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32), help="of moves and moments")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="aiocsi-faults-", ignore_cleanup_errors=True) as folder:
        if missing := missing_for_disks(Path(folder)):
            sys.stderr.write(f"this machine {missing}\n")
            return 2
        print(f"seed {options.seed}, {options.minutes:g} minutes, {options.volumes} volumes")
        return asyncio.run(_run(Path(folder), options.minutes * 60, options.volumes, options.seed))


async def _run(folder: Path, seconds: float, volumes: int, seed: int) -> int:
    counts: Counter[str] = Counter()
    started = asyncio.get_running_loop().time()
    failures: list[BaseException] = []
    async with running(folder, cloud_arguments=CLOUD) as stack:
        failures += await _play(stack, seconds, volumes, seed, counts)
        failures += [AssertionError(f"left over: {line}") for line in await _left_over(stack)]
        if failures:
            _keep_logs(stack, seed)
    for failure in failures:
        print(f"{type(failure).__name__}: {failure}")
    print(table(counts, asyncio.get_running_loop().time() - started, len(failures)))
    return 1 if failures else 0


async def _play(stack: Stack, seconds: float, volumes: int, seed: int, counts: Counter[str]) -> list[BaseException]:
    """Let the volumes travel while processes are killed; then let them end in peace. Return what went wrong."""
    killer = Killer(stack, counts, seed)
    await killer.trace()
    async with asyncio.TaskGroup() as group:
        for each in _travellers(stack, len(KINDS), Counter(), f"{seed}-calm"):
            group.create_task(each.live_once())
    killer.learn_life()
    for rule in FAULTS:
        await stack.cloud.send("POST", "/_localcloud/faults", rule)
    stop_killing, stop = asyncio.Event(), asyncio.Event()
    travellers = _travellers(stack, volumes, counts, str(seed))
    travels = asyncio.gather(*(each.travel(stop) for each in travellers), return_exceptions=True)
    killing = asyncio.gather(killer.kill(stop_killing), return_exceptions=True)
    ends: set[asyncio.Future[list[BaseException | None]] | asyncio.Future[tuple[BaseException | None]]] = {
        travels,
        killing,
    }
    await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    stop_killing.set()
    failures = [each for each in await killing if isinstance(each, BaseException)]
    await stack.cloud.send("DELETE", "/_localcloud/faults")
    stop.set()
    failures += [each for each in await travels if isinstance(each, BaseException)]
    _tell(killer)
    return failures


def _travellers(stack: Stack, volumes: int, counts: Counter[str], seed: str) -> list[Traveller]:
    lives = [Life(f"pvc-{seed}-{number}", KINDS[number % len(KINDS)]()) for number in range(volumes)]
    return [Traveller(stack, life, counts, f"{seed} {number}") for number, life in enumerate(lives)]


def _tell(killer: Killer) -> None:
    """Print at how many of the traced effects a process has died, and at which not."""
    for name, number in killer.targets.lines().items():
        print(f"  {name:<36} {number:>14}")
    left = killer.targets.open()
    for target in left[:MOST_LINES]:
        print(f"  not reached: {target}")
    if len(left) > MOST_LINES:
        print(f"  not reached: {len(left) - MOST_LINES} more")


async def _left_over(stack: Stack) -> list[str]:
    left = [f"volume {each['name']}" for each in await stack.cloud.volumes()]
    found = traces.find(stack.folder)
    return [*left, *(each.line for each in found.mounts), *(str(each) for each in found.loops)]


def _keep_logs(stack: Stack, seed: int) -> None:
    """Copy the logs, with the effects, to where they outlive the run."""
    kept = ROOT / "build" / f"faults-real-{seed}"
    for program in stack.programs:
        (kept / program.name).mkdir(parents=True, exist_ok=True)
        for name in ("log", "effects"):
            if (found := program.log.with_name(name)).exists():
                shutil.copy(found, kept / program.name / name)
    print(f"logs: {kept}")


if __name__ == "__main__":
    sys.exit(main())
